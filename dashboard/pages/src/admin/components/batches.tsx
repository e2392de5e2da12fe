import type { JSX } from "preact";
import { format } from "../../format.ts";
import type { Admin } from "../admin.ts";
import { BATCH_STATES } from "../model.ts";
import type { AdminPlace } from "../place.ts";
import { briefMoment } from "../words.ts";
import { BatchList, type Column } from "./batch-list.tsx";
import { StateChip } from "./chip.tsx";

const COLUMNS: readonly Column[] = [
  ["State", undefined, ({ state }) => <StateChip state={state} />],
  ["Events", "wide-cell number", ({ events }) => format(events, { unit: "count" })],
  ["Opened", "wide-cell", ({ opened_at }) => briefMoment(opened_at)],
  [
    "Sealed",
    "wide-cell",
    ({ sealed_at, sealed_by }) => (
      <>
        {sealed_at ? briefMoment(sealed_at) : "–"}
        {sealed_by && <span class="muted"> by {sealed_by}</span>}
      </>
    ),
  ],
  ["Job", "wide-cell", ({ job }) => (job ? <StateChip state={job.state} /> : "–")],
];

/** Batches, newest hour first. */
export function Batches({ admin, place }: { admin: Admin; place: AdminPlace }): JSX.Element {
  return <BatchList admin={admin} place={place} of="batches" title="Batches" states={BATCH_STATES} columns={COLUMNS} />;
}
