import type { JSX } from "preact";
import type { Admin } from "../admin.ts";
import type { BatchEvent } from "../model.ts";
import { useLoaded } from "../use-loaded.ts";
import { usePages } from "../use-pages.ts";
import { briefMoment, countOf } from "../words.ts";
import { Nothing, Pager, Shown } from "./states.tsx";

/** Those of a sealed batch stay as they are, but for what expires or is erased. */
const SEALED_EVERY_MS = 60_000;

/** The events of a batch, by time. */
export function BatchEvents({ admin, id, isOpen }: { admin: Admin; id: string; isOpen: boolean }): JSX.Element {
  const { api, beat, workspace } = admin;
  const key = `events|${workspace}|${id}`;
  const pages = usePages(key);
  const { cursor } = pages;
  const loaded = useLoaded(
    `${key}|${cursor}`,
    (signal) => api.events(id, { workspace, cursor }, signal),
    beat,
    isOpen ? undefined : SEALED_EVERY_MS,
  );
  return (
    <section class="card list-card" aria-labelledby="events-title" data-testid="events">
      <h2 id="events-title" class="head-title">
        Events
      </h2>
      <Shown loaded={loaded} admin={admin} section="batches">
        {({ items, missing, next }) => (
          <>
            {items.length === 0 && <Nothing>None of its events is left on this page.</Nothing>}
            {items.length > 0 && <Table events={items} />}
            {missing > 0 && <p class="bound">{countOf(missing, "event")} more: expired, or erased.</p>}
            <Pager pages={pages} next={next} of="events" />
          </>
        )}
      </Shown>
    </section>
  );
}

function Table({ events }: { events: readonly BatchEvent[] }): JSX.Element {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Type</th>
          <th scope="col" class="wide-cell">
            By
          </th>
          <th scope="col" class="wide-cell">
            Properties
          </th>
        </tr>
      </thead>
      <tbody>
        {events.map(({ event_id, timestamp, type, user_id, anonymous_id, properties }) => (
          <tr key={event_id} data-testid="event">
            <th scope="row" title={event_id}>
              {briefMoment(timestamp)}
            </th>
            <td>
              {type}
              {properties && <code class="below">{JSON.stringify(properties)}</code>}
            </td>
            <td class="wide-cell">{user_id ?? anonymous_id ?? "–"}</td>
            <td class="wide-cell properties">
              <code>{properties ? JSON.stringify(properties) : "–"}</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
