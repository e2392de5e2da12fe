import type { JSX } from "preact";
import type { Admin } from "../admin.ts";
import { type Batch, JOB_STATES, type Job, keyOf } from "../model.ts";
import type { AdminPlace } from "../place.ts";
import { useLoaded } from "../use-loaded.ts";
import { usePages } from "../use-pages.ts";
import { briefMoment } from "../words.ts";
import { BatchLink } from "./batch-link.tsx";
import { StateChip } from "./chip.tsx";
import { DeadLetters } from "./dead-letters.tsx";
import { DeedButtons } from "./deeds.tsx";
import { Filter } from "./filter.tsx";
import { Nothing, Pager, Shown } from "./states.tsx";

/** The queue, and what has fallen out of it. */
export function Jobs({ admin, place }: { admin: Admin; place: AdminPlace }): JSX.Element {
  const { api, beat, workspace, visit } = admin;
  const { state } = place;
  const key = `jobs|${workspace}|${state}`;
  const pages = usePages(key);
  const { cursor } = pages;
  const loaded = useLoaded(`${key}|${cursor}`, (signal) => api.jobs({ workspace, state, cursor }, signal), beat);
  return (
    <div class="board">
      <section class="card list-card" aria-labelledby="jobs-title" data-testid="jobs">
        <header class="head">
          <h2 id="jobs-title" class="head-title">
            Queue
          </h2>
          <Filter place={place} states={JOB_STATES} visit={visit} />
        </header>
        <Shown loaded={loaded} admin={admin} section="jobs">
          {({ items, next }) => (
            <>
              {items.length === 0 ? (
                <Nothing>No job is in this list now.</Nothing>
              ) : (
                <Table jobs={items} admin={admin} />
              )}
              <Pager pages={pages} next={next} of="jobs" />
            </>
          )}
        </Shown>
      </section>
      <DeadLetters admin={admin} />
    </div>
  );
}

function Table({ jobs, admin }: { jobs: readonly Batch[]; admin: Admin }): JSX.Element {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Batch</th>
          <th scope="col">Job</th>
          <th scope="col" class="wide-cell number">
            Attempts
          </th>
          <th scope="col" class="wide-cell">
            When
          </th>
          <th scope="col" class="wide-cell">
            Last error
          </th>
          <th scope="col" class="deeds">
            <span class="hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((batch) => (
          <tr key={keyOf(batch)} data-testid="job" data-batch={batch.batch_id} data-job={batch.job?.state}>
            <th scope="row">
              <BatchLink batch={batch} admin={admin} />
            </th>
            <td>{batch.job && <StateChip state={batch.job.state} />}</td>
            <td class="wide-cell number">{batch.job?.attempts}</td>
            <td class="wide-cell">{batch.job && whenOf(batch.job)}</td>
            <td class="wide-cell">{batch.job?.error?.code ? <code>{batch.job.error.code}</code> : "–"}</td>
            <td class="deeds">
              <DeedButtons batch={batch} admin={admin} class="small" />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The time that matters of a job as it is. */
function whenOf({ finished_at, state, started_at, due_at }: Job): string {
  if (state === "PENDING") return due_at ? `due ${briefMoment(due_at)}` : "–";
  if (state === "RUNNING") return started_at ? `since ${briefMoment(started_at)}` : "–";
  return finished_at ? briefMoment(finished_at) : "–";
}
