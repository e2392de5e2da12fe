import type { JSX } from "preact";
import { Moving } from "../../components/moving.tsx";
import type { Unit } from "../../declared.ts";
import { partsOf } from "../../format.ts";
import type { Admin } from "../admin.ts";
import type { Alarm, Metrics } from "../model.ts";
import type { To } from "../use-admin-place.ts";
import { alarmWords } from "../words.ts";
import { StateChip } from "./chip.tsx";
import { Go } from "./go.tsx";

/** The pipeline's figures, each a link to what it counts. */
export function Figures({ metrics, admin }: { metrics: Metrics; admin: Admin }): JSX.Element {
  const { jobs, batches, dead_letters, is_all } = metrics;
  const tiles: readonly [string, string, number, Unit, To][] = [
    ["pending", "Jobs pending", jobs.pending, "count", { section: "jobs", state: "PENDING" }],
    ["running", "Jobs running", jobs.running, "count", { section: "jobs", state: "RUNNING" }],
    ["oldest", "Oldest pending", jobs.oldest_pending_seconds, "seconds", { section: "jobs", state: "PENDING" }],
    ["open", "Batches open", batches.open, "count", { section: "batches", state: "OPEN" }],
    ["sealed", "Batches sealed", batches.sealed, "count", { section: "batches", state: "SEALED" }],
    ["dead", "Dead letters", dead_letters, "count", { section: "jobs" }],
  ];
  return (
    <section aria-labelledby="figures-title">
      <h2 id="figures-title" class="hidden">
        The pipeline now
      </h2>
      <ul class="tiles">
        {tiles.map(([name, title, value, unit, to]) => {
          const { number, unit: shown } = partsOf(value, { unit });
          const isBad = name === "dead" && value > 0;
          return (
            <li key={name} class="card" data-testid={`tile-${name}`} data-value={value}>
              <Go to={{ ...to, workspace: admin.workspace }} visit={admin.visit}>
                <span class="tile-title">{title}</span>
                <Moving of={number} class={isBad ? "tile-value bad" : "tile-value"}>
                  {number}
                  {shown && <span class="unit">{shown}</span>}
                </Moving>
              </Go>
            </li>
          );
        })}
      </ul>
      {!is_all && <p class="bound">There is more than was counted: each number is at least what it says.</p>}
    </section>
  );
}

/** What would ring, by the same values and thresholds as the stack's own alarms. */
export function Alarms({ alarms }: { alarms: readonly Alarm[] }): JSX.Element {
  return (
    <section class="card facts-card" aria-labelledby="alarms-title" data-testid="alarms">
      <h2 id="alarms-title" class="head-title">
        Alarms
      </h2>
      <ul class="facts-list">
        {alarms.map((alarm) => {
          const { title, value, threshold } = alarmWords(alarm);
          return (
            <li key={alarm.name} data-testid={`alarm-${alarm.name}`} data-alarm={alarm.state}>
              <span class="fact-name">{title}</span>
              <StateChip state={alarm.state} />
              <span class="fact-more">
                {alarm.value !== undefined && <b>{value}</b>} {threshold}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
