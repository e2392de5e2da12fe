/**
 * Fetching what may be looked at next: what the pointer rests on, and the neighbours of what is shown once that is
 * live. All of it is given up at the next choice, and none of it is tried where bytes are dear.
 */

import type { Client, View } from "../../client/src/index.ts";
import { PERIODS } from "./period.ts";
import { parsed, type Store } from "./store.ts";

/** The browser's Network Information, which not every browser has. */
export interface Network {
  saveData?: boolean;
  effectiveType?: string;
}

/** How long a pointer rests before it means something, in ms. */
const REST_MS = 120;
const MOST_WHEN_IDLE = 4;
/** How long what was fetched is taken for good enough to begin with, in ms; the SDK has it on disk. */
const FRESH_MS = 600_000;

/** Whether the connection can spare bytes that may never be looked at. */
export function maySpeculate(network: Network | undefined): boolean {
  return !network?.saveData && !["slow-2g", "2g"].includes(network?.effectiveType ?? "");
}

/** The views that are likely next: the same period of the other dashboards, then the periods beside it. */
export function neighbours(view: View & { days: number }, dashboards: readonly string[]): View[] {
  const at = PERIODS.findIndex(({ days }) => days === view.days);
  const beside = [PERIODS[at + 1], PERIODS[at - 1]].filter((period) => at >= 0 && period !== undefined);
  return [
    ...dashboards.filter((name) => name !== view.dashboard).map((dashboard) => ({ dashboard, days: view.days })),
    ...beside.map((period) => ({ dashboard: view.dashboard, days: period?.days ?? view.days })),
  ].slice(0, MOST_WHEN_IDLE);
}

export class Speculation {
  #abort = new AbortController();
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: Client,
    private readonly network: () => Network | undefined,
    /** Where it stands, and under which name, when which view was fetched, so that a reload fetches none of them again. */
    private readonly kept: { store: Store; name: string },
    private readonly now: () => number = Date.now,
  ) {}

  /** The pointer or the focus is on what leads to `view`. */
  rest(view: View): void {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => void this.fetch([view]), REST_MS);
  }

  leave(): void {
    clearTimeout(this.#rest);
  }

  /** Fetch views one after the other, as long as nothing is chosen. */
  async fetch(views: readonly View[]): Promise<void> {
    if (!maySpeculate(this.network())) return;
    const { signal } = this.#abort;
    const known = this.#known();
    const wanted = views.filter((view) => !(keyOf(view) in known));
    if (!wanted.length) return;
    this.client.lifecycle("prefetch_tabs", { count: wanted.length, dashboard: wanted[0]?.dashboard ?? "" });
    for (const view of wanted) {
      if (signal.aborted) return;
      try {
        await this.client.prefetch(view, signal);
        this.kept.store.set(this.kept.name, JSON.stringify({ ...this.#known(), [keyOf(view)]: this.now() }));
      } catch {
        // A view that cannot be had now is fetched when it is chosen, and says then what is wrong.
      }
    }
  }

  /** When the views were fetched that are still fresh. */
  #known(): Record<string, number> {
    const kept = parsed(this.kept.store.get(this.kept.name)) ?? {};
    const isFresh = ([, at]: [string, unknown]) => typeof at === "number" && Math.abs(this.now() - at) < FRESH_MS;
    return Object.fromEntries(Object.entries(kept).filter(isFresh)) as Record<string, number>;
  }

  /** Give up what is under way; what comes next is free to start. */
  stop(): void {
    this.leave();
    this.#abort.abort();
    this.#abort = new AbortController();
  }
}

function keyOf({ dashboard, days, to }: View): string {
  return `${dashboard}:${days}:${to ?? ""}`;
}
