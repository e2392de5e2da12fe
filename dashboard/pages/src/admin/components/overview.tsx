import type { JSX } from "preact";
import type { Admin } from "../admin.ts";
import type { Metrics } from "../model.ts";
import type { Live } from "../use-live.ts";
import { type Loaded, useLoaded } from "../use-loaded.ts";
import { Breakers } from "./breakers.tsx";
import { Alarms, Figures } from "./figures.tsx";
import { Go } from "./go.tsx";
import { Operations } from "./operations.tsx";
import { useOne } from "./scope.tsx";
import { Shown } from "./states.tsx";
import { InsightList } from "./timeline.tsx";

const LATEST = 3;

interface Props {
  admin: Admin;
  metrics: Loaded<Metrics>;
  url: string;
  live: Live;
  scheme: "light" | "dark";
}

/** How the pipeline does, and what it found last. */
export function Overview({ admin, metrics, url, live, scheme }: Props): JSX.Element {
  const { api, beat, visit } = admin;
  const workspace = useOne(admin);
  const latest = useLoaded(`latest|${workspace}`, (signal) => api.insights({ workspace, limit: LATEST }, signal), beat);
  return (
    <div class="board">
      <Shown loaded={metrics} admin={admin} section="overview">
        {(found) => (
          <>
            <Figures metrics={found} admin={admin} />
            <div class="pair">
              <Alarms alarms={found.alarms} />
              <Breakers breakers={found.breakers} admin={admin} />
            </div>
          </>
        )}
      </Shown>
      <Operations url={url} live={live} scheme={scheme} />
      <section class="card facts-card" aria-labelledby="latest-title" data-testid="latest">
        <header class="head">
          <h2 id="latest-title" class="head-title">
            Latest insights
          </h2>
          <Go to={{ section: "insights", workspace }} visit={visit} class="head-link">
            All of them
          </Go>
        </header>
        <Shown loaded={latest} admin={admin} section="overview">
          {({ items }) => <InsightList insights={items} admin={{ ...admin, workspace }} isOpen={false} />}
        </Shown>
      </section>
    </div>
  );
}
