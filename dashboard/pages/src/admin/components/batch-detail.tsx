import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Facts, Findings } from "../../components/insights-card.tsx";
import { format } from "../../format.ts";
import type { Admin } from "../admin.ts";
import { toldInsight } from "../api.ts";
import type { Batch } from "../model.ts";
import { useLoaded } from "../use-loaded.ts";
import { HERE, moment } from "../words.ts";
import { BatchEvents } from "./batch-events.tsx";
import { StateChip } from "./chip.tsx";
import { DeedButtons } from "./deeds.tsx";
import { Forensics, JobError } from "./forensics.tsx";
import { Go } from "./go.tsx";
import { Shown } from "./states.tsx";

/** One batch: its job, its insight, and the events behind it. */
export function BatchDetail({ admin, id }: { admin: Admin; id: string }): JSX.Element {
  const { api, beat, workspace, visit } = admin;
  const title = useRef<HTMLHeadingElement>(null);
  const loaded = useLoaded(`batch|${workspace}|${id}`, (signal) => api.batch(id, workspace, signal), beat);
  // Who came here by a link goes on reading here.
  useEffect(() => title.current?.focus({ preventScroll: true }), [id]);
  return (
    <div class="board" data-testid="batch-detail" data-batch={id} data-batch-state={loaded.data?.state}>
      <section class="card facts-card" aria-labelledby="batch-title">
        <Go to={{ section: "batches", workspace }} visit={visit} class="back" testId="back">
          All batches
        </Go>
        <header class="head">
          <h2 id="batch-title" class="batch-title" tabIndex={-1} ref={title}>
            {id}
          </h2>
          <span class="fact-deeds">
            {loaded.data && <DeedButtons batch={loaded.data} admin={admin} class="button" />}
          </span>
        </header>
        <Shown loaded={loaded} admin={admin} section="batches">
          {(batch) => <Particulars batch={batch} />}
        </Shown>
      </section>
      {loaded.data?.insight !== undefined && <InsightOf batch={loaded.data} />}
      {loaded.data && <BatchEvents admin={admin} id={id} isOpen={loaded.data.state === "OPEN"} />}
    </div>
  );
}

function Particulars({ batch }: { batch: Batch }): JSX.Element {
  const { workspace_id, state, events, opened_at, sealed_at, sealed_by, job } = batch;
  const rows: [string, JSX.Element | string | undefined][] = [
    ["Workspace", workspace_id],
    ["State", <StateChip key="state" state={state} />],
    ["Events", format(events, { unit: "count" })],
    ["Opened", moment(opened_at)],
    ["Sealed", sealed_at && `${moment(sealed_at)}${sealed_by ? ` by ${sealed_by}` : ""}`],
    ["Job", job && <StateChip key="job" state={job.state} />],
    ["Attempts", job && String(job.attempts)],
    ["Redrives", job?.redrives ? String(job.redrives) : undefined],
    ["Due", job?.due_at && moment(job.due_at)],
    ["Held until", job?.lease_until && moment(job.lease_until)],
    ["Started", job?.started_at && moment(job.started_at)],
    ["Finished", job?.finished_at && moment(job.finished_at)],
    ["Provider", job?.provider],
  ];
  return (
    <>
      <dl class="particulars">
        {rows.map(
          ([term, description]) =>
            description && (
              <div key={term}>
                <dt>{term}</dt>
                <dd>{description}</dd>
              </div>
            ),
        )}
      </dl>
      {job?.error && <JobError error={job.error} />}
      {job && <Forensics job={job} />}
    </>
  );
}

function InsightOf({ batch }: { batch: Batch }): JSX.Element {
  const insight = toldInsight({ ...(batch.insight as Record<string, unknown>), batch_id: batch.batch_id });
  return (
    <section class="card facts-card insights batch-insight" aria-labelledby="insight-title" data-testid="batch-insight">
      <h2 id="insight-title" class="head-title">
        Insight
      </h2>
      <p class="insight-summary">{insight.summary}</p>
      <Facts insight={insight} timezone={HERE} />
      <Findings insight={insight} />
    </section>
  );
}
