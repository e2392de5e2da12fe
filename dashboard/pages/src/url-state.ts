/** What is looked at stands in the address: `?dashboard=web&days=30&tab=overview`. */

import { DEFAULT_DAYS, MAX_DAYS } from "./period.ts";

export interface Place {
  /** Undefined until one is chosen: then the first that the workspace has. */
  dashboard: string | undefined;
  days: number;
  tab: string | undefined;
}

const NAME = /^[a-z][a-z0-9_-]{0,63}$/;

/** The place that a query names; what is missing or malformed in it is what a first visit shows. */
export function placeOf(search: string): Place {
  const query = new URLSearchParams(search);
  const days = query.get("days") ?? "";
  const isWhole = /^[1-9]\d{0,2}$/.test(days) && Number(days) <= MAX_DAYS;
  return {
    dashboard: named(query.get("dashboard")),
    days: isWhole ? Number(days) : DEFAULT_DAYS,
    tab: named(query.get("tab")),
  };
}

/** `search` with the place in it; what else it says stays. */
export function searchOf(place: Place, search = ""): string {
  const query = new URLSearchParams(search);
  const set = (name: string, value: string | undefined) => (value ? query.set(name, value) : query.delete(name));
  set("dashboard", place.dashboard);
  set("days", String(place.days));
  set("tab", place.tab);
  return `?${query}`;
}

function named(value: string | null): string | undefined {
  return value && NAME.test(value) ? value : undefined;
}
