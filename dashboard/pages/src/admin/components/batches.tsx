import type { JSX } from "preact";
import { format } from "../../format.ts";
import type { Admin } from "../admin.ts";
import { BATCH_STATES, type Batch, keyOf } from "../model.ts";
import type { AdminPlace } from "../place.ts";
import { useLoaded } from "../use-loaded.ts";
import { usePages } from "../use-pages.ts";
import { briefMoment } from "../words.ts";
import { BatchLink } from "./batch-link.tsx";
import { StateChip } from "./chip.tsx";
import { DeedButtons } from "./deeds.tsx";
import { Filter } from "./filter.tsx";
import { Nothing, Pager, Shown } from "./states.tsx";

/** Batches, newest hour first. */
export function Batches({ admin, place }: { admin: Admin; place: AdminPlace }): JSX.Element {
  const { api, beat, workspace, visit } = admin;
  const { state } = place;
  const key = `batches|${workspace}|${state}`;
  const pages = usePages(key);
  const { cursor } = pages;
  const loaded = useLoaded(`${key}|${cursor}`, (signal) => api.batches({ workspace, state, cursor }, signal), beat);
  return (
    <section class="card list-card" aria-labelledby="batches-title" data-testid="batches">
      <header class="head">
        <h2 id="batches-title" class="head-title">
          Batches
        </h2>
        <Filter place={place} states={BATCH_STATES} visit={visit} />
      </header>
      <Shown loaded={loaded} admin={admin} section="batches">
        {({ items, next }) => (
          <>
            {items.length === 0 ? (
              <Nothing>No batch is in this list now.</Nothing>
            ) : (
              <Table batches={items} admin={admin} />
            )}
            <Pager pages={pages} next={next} of="batches" />
          </>
        )}
      </Shown>
    </section>
  );
}

function Table({ batches, admin }: { batches: readonly Batch[]; admin: Admin }): JSX.Element {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Batch</th>
          <th scope="col">State</th>
          <th scope="col" class="wide-cell number">
            Events
          </th>
          <th scope="col" class="wide-cell">
            Opened
          </th>
          <th scope="col" class="wide-cell">
            Sealed
          </th>
          <th scope="col" class="wide-cell">
            Job
          </th>
          <th scope="col" class="deeds">
            <span class="hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {batches.map((batch) => (
          <tr key={keyOf(batch)} data-testid="batch" data-batch={batch.batch_id} data-batch-state={batch.state}>
            <th scope="row">
              <BatchLink batch={batch} admin={admin} />
            </th>
            <td>
              <StateChip state={batch.state} />
            </td>
            <td class="wide-cell number">{format(batch.events, { unit: "count" })}</td>
            <td class="wide-cell">{briefMoment(batch.opened_at)}</td>
            <td class="wide-cell">
              {batch.sealed_at ? briefMoment(batch.sealed_at) : "–"}
              {batch.sealed_by && <span class="muted"> by {batch.sealed_by}</span>}
            </td>
            <td class="wide-cell">{batch.job ? <StateChip state={batch.job.state} /> : "–"}</td>
            <td class="deeds">
              <DeedButtons batch={batch} admin={admin} class="small" />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
