import type { ComponentChildren, JSX } from "preact";
import type { Admin } from "../admin.ts";
import { type Batch, keyOf } from "../model.ts";
import type { AdminPlace } from "../place.ts";
import { useLoaded } from "../use-loaded.ts";
import { usePages } from "../use-pages.ts";
import { BatchLink } from "./batch-link.tsx";
import { DeedButtons } from "./deeds.tsx";
import { Filter } from "./filter.tsx";
import { useOne } from "./scope.tsx";
import { Nothing, Pager, Shown } from "./states.tsx";

/** What a list tells of each batch: a title, the class of its cells, and what stands in them. */
export type Column = readonly [title: string, name: string | undefined, of: (batch: Batch) => ComponentChildren];

interface Props {
  admin: Admin;
  place: AdminPlace;
  of: "batches" | "jobs";
  title: string;
  /** Those by which it is filtered. */
  states: readonly string[];
  columns: readonly Column[];
}

/** Batches or their jobs, a page at a time, with what may be done about each. */
export function BatchList({ admin, place, of, title, states, columns }: Props): JSX.Element {
  const { api, beat, isOperator, visit } = admin;
  const workspace = useOne(admin);
  const { state } = place;
  const key = `${of}|${workspace}|${state}`;
  const pages = usePages(key);
  const { cursor } = pages;
  const loaded = useLoaded(`${key}|${cursor}`, (signal) => api[of]({ workspace, state, cursor }, signal), beat);
  const each = of === "batches" ? "batch" : "job";
  return (
    <section class="card list-card" aria-labelledby={`${of}-title`} data-testid={of}>
      <header class="head">
        <h2 id={`${of}-title`} class="head-title">
          {title}
        </h2>
        <Filter place={place} states={states} visit={visit} every={isOperator && !workspace ? "Unfinished" : "All"} />
      </header>
      <Shown loaded={loaded} admin={admin} section={of}>
        {({ items, next }) => (
          <>
            {items.length === 0 && <Nothing>No {each} is in this list now.</Nothing>}
            {items.length > 0 && (
              <table>
                <thead>
                  <tr>
                    <th scope="col">Batch</th>
                    {columns.map(([title, name]) => (
                      <th key={title} scope="col" class={name}>
                        {title}
                      </th>
                    ))}
                    <th scope="col" class="deeds">
                      <span class="hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((batch) => (
                    <tr key={keyOf(batch)} data-testid={each} data-batch={batch.batch_id} data-job={batch.job?.state}>
                      <th scope="row">
                        <BatchLink batch={batch} admin={admin} />
                      </th>
                      {columns.map(([title, name, cell]) => (
                        <td key={title} class={name}>
                          {cell(batch)}
                        </td>
                      ))}
                      <td class="deeds">
                        <DeedButtons batch={batch} admin={admin} class="small" />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
            <Pager pages={pages} next={next} of={of} />
          </>
        )}
      </Shown>
    </section>
  );
}
