import type { JSX } from "preact";
import type { Admin } from "../admin.ts";
import { JOB_STATES, type Job } from "../model.ts";
import type { AdminPlace } from "../place.ts";
import { briefMoment } from "../words.ts";
import { BatchList, type Column } from "./batch-list.tsx";
import { StateChip } from "./chip.tsx";
import { DeadLetters } from "./dead-letters.tsx";

const COLUMNS: readonly Column[] = [
  ["Job", undefined, ({ job }) => job && <StateChip state={job.state} />],
  ["Attempts", "wide-cell number", ({ job }) => job?.attempts],
  ["When", "wide-cell", ({ job }) => job && whenOf(job)],
  ["Last error", "wide-cell", ({ job }) => (job?.error?.code ? <code>{job.error.code}</code> : "–")],
];

/** The queue, and what has fallen out of it. */
export function Jobs({ admin, place }: { admin: Admin; place: AdminPlace }): JSX.Element {
  return (
    <div class="board">
      <BatchList admin={admin} place={place} of="jobs" title="Queue" states={JOB_STATES} columns={COLUMNS} />
      <DeadLetters admin={admin} />
    </div>
  );
}

/** The time that matters of a job as it is. */
function whenOf({ finished_at, state, started_at, due_at }: Job): string {
  if (state === "PENDING") return due_at ? `due ${briefMoment(due_at)}` : "–";
  if (state === "RUNNING") return started_at ? `since ${briefMoment(started_at)}` : "–";
  return finished_at ? briefMoment(finished_at) : "–";
}
