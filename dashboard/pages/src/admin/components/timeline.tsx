import type { JSX } from "preact";
import { Readable, useArrival } from "../../components/insights-card.tsx";
import type { Insight } from "../../insights.ts";
import type { Admin } from "../admin.ts";
import { useLoaded } from "../use-loaded.ts";
import { usePages } from "../use-pages.ts";
import { countOf, HERE } from "../words.ts";
import { Go } from "./go.tsx";
import { useOne } from "./scope.tsx";
import { Nothing, Pager, Shown } from "./states.tsx";

/** Everything that was found, newest first. */
export function Timeline({ admin }: { admin: Admin }): JSX.Element {
  const { api, beat } = admin;
  const workspace = useOne(admin);
  const key = `insights|${workspace}`;
  const pages = usePages(key);
  const { cursor } = pages;
  const loaded = useLoaded(
    `${key}|${cursor}`,
    (signal) => api.insights({ workspace, cursor, limit: 20 }, signal),
    beat,
  );
  return (
    <section class="card facts-card" aria-labelledby="timeline-title" data-testid="timeline">
      <h2 id="timeline-title" class="head-title">
        Timeline of insights
      </h2>
      <Shown loaded={loaded} admin={admin} section="insights">
        {({ items, next }) => (
          <>
            <InsightList insights={items} admin={{ ...admin, workspace }} isOpen={cursor === undefined} />
            <Pager pages={pages} next={next} of="insights" />
          </>
        )}
      </Shown>
    </section>
  );
}

interface ListProps {
  /** Newest first. */
  insights: readonly Insight[];
  admin: Admin;
  /** Whether the first one is shown in full. */
  isOpen: boolean;
}

/** Insights, each with a link to the events behind it. */
export function InsightList({ insights, admin, isOpen }: ListProps): JSX.Element {
  const { workspace, visit } = admin;
  const arrived = useArrival(insights[0]);
  return (
    <div class="insights in-list">
      <p class="hidden" role="status">
        {arrived && `New insight: ${arrived.summary}`}
      </p>
      {insights.length === 0 && (
        <Nothing>
          Nothing analysed yet. A batch is analysed once it is full or old enough; this page shows it then.
        </Nothing>
      )}
      <ol class="timeline">
        {insights.map((insight, index) => (
          <li key={insight.id} class="insight">
            <Readable insight={insight} timezone={HERE} isOpen={isOpen && index === 0} />
            <Go to={{ section: "batches", workspace, batch: insight.id }} visit={visit} class="behind" testId="behind">
              {countOf(insight.events, "event")} behind it
              <span class="hidden">: batch {insight.id}</span>
            </Go>
          </li>
        ))}
      </ol>
    </div>
  );
}
