/** The HTTP API of the administration (docs/protocol.md, "Administration"). */

import { ApiError } from "../api.ts";
import { type Insight, insightOf } from "../insights.ts";
import type { Problem } from "../problem.ts";
import type { Batch, BatchEvent, BatchKey, Breaker, Metrics } from "./model.ts";
import { problemOf } from "./refresh.ts";

export interface Page<T> {
  items: readonly T[];
  /** The cursor of the page behind it, if there is one. */
  next: string | undefined;
}

export interface EventsPage extends Page<BatchEvent> {
  /** Of the whole batch: they have expired, or were erased. */
  missing: number;
}

export interface Redriven {
  redriven: readonly BatchKey[];
  skipped: readonly (BatchKey & { code: string })[];
  more: boolean;
  failed_before?: string;
}

export interface Asked {
  workspace?: string | undefined;
  state?: string | undefined;
  cursor?: string | undefined;
  limit?: number;
}

type Raw = Readonly<Record<string, unknown>>;

/** A page may be empty although others follow: so many are passed over at once. */
const EMPTY_PAGES = 8;
const ROWS = 25;

/** Each method rejects with `ApiError`, with `TypeError` without a network, or because `signal` was aborted. */
export class AdminApi {
  constructor(
    private readonly url: string,
    private readonly token: string,
    /** Told of each answer to a question: undefined, or what was wrong. */
    private readonly answered: (problem: Problem | undefined) => void,
  ) {}

  metrics(workspace: string | undefined, signal: AbortSignal): Promise<Metrics> {
    return this.#get<Metrics>("metrics", { workspace }, signal);
  }

  batches(asked: Asked, signal: AbortSignal): Promise<Page<Batch>> {
    return this.#filled("batches", asked, signal, (body) => body.batches as Batch[]);
  }

  jobs(asked: Asked, signal: AbortSignal): Promise<Page<Batch>> {
    return this.#filled("jobs", asked, signal, (body) => body.jobs as Batch[]);
  }

  deadLetters(asked: Asked, signal: AbortSignal): Promise<Page<Batch>> {
    return this.#filled("dead-letters", asked, signal, (body) => body.dead_letters as Batch[]);
  }

  batch(batch: string, workspace: string | undefined, signal: AbortSignal): Promise<Batch> {
    return this.#get<Batch>(`batches/${encodeURIComponent(batch)}`, { workspace }, signal);
  }

  async events(batch: string, asked: Asked, signal: AbortSignal): Promise<EventsPage> {
    const body = await this.#get<Raw>(`batches/${encodeURIComponent(batch)}/events`, { limit: ROWS, ...asked }, signal);
    return { ...pageOf(body, body.events as BatchEvent[]), missing: Number(body.missing) };
  }

  insights(asked: Asked, signal: AbortSignal): Promise<Page<Insight>> {
    return this.#filled("insights", asked, signal, (body) => (body.insights as Raw[]).map(toldInsight));
  }

  /** The names of workspaces: as many as a list of suggestions can use. */
  async workspaces(signal: AbortSignal): Promise<readonly string[]> {
    const body = await this.#get<Raw>("workspaces", { limit: 100 }, signal);
    return (body.workspaces as { workspace_id: string }[]).map(({ workspace_id }) => workspace_id);
  }

  /** Seal, analyse or cancel; false if it was so already. */
  async act(deed: "seal" | "analyse" | "cancel", { workspace_id, batch_id }: BatchKey): Promise<boolean> {
    const kind = deed === "cancel" ? "jobs" : "batches";
    const path = `${kind}/${encodeURIComponent(batch_id)}/${deed}`;
    return (await this.#post<{ changed: boolean }>(path, { workspace: workspace_id }, {})).changed;
  }

  redrive(workspace: string | undefined, body: object): Promise<Redriven> {
    return this.#post<Redriven>("dead-letters/redrive", { workspace }, body);
  }

  async breaker(deed: "trip" | "reset", provider: string): Promise<Breaker> {
    return (await this.#post<{ breaker: Breaker }>(`breaker/${deed}`, {}, { provider })).breaker;
  }

  async #filled<T>(path: string, asked: Asked, signal: AbortSignal, itemsOf: (body: Raw) => T[]): Promise<Page<T>> {
    let page: Page<T> = { items: [], next: asked.cursor };
    for (let count = 0; count < EMPTY_PAGES; count++) {
      const body = await this.#get<Raw>(path, { limit: ROWS, ...asked, cursor: page.next }, signal);
      page = pageOf(body, itemsOf(body));
      if (page.items.length || !page.next) break;
    }
    return page;
  }

  async #get<T>(path: string, query: Asked, signal: AbortSignal): Promise<T> {
    try {
      const body = await this.#ask<T>(path, query, { signal });
      this.answered(undefined);
      return body;
    } catch (error) {
      this.answered(problemOf(error));
      throw error;
    }
  }

  #post<T>(path: string, query: Asked, body: object): Promise<T> {
    const headers = { "Content-Type": "application/json" };
    return this.#ask<T>(path, query, { method: "POST", body: JSON.stringify(body), headers });
  }

  async #ask<T>(path: string, query: Asked, init: RequestInit): Promise<T> {
    const named = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = named.length ? `?${new URLSearchParams(named.map(([name, value]) => [name, String(value)]))}` : "";
    const headers = { ...init.headers, Authorization: `Bearer ${this.token}` };
    const response = await fetch(`${this.url}/v1/admin/${path}${search}`, { ...init, headers });
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw new ApiError(body, response.status);
    return body as T;
  }
}

/** An insight of the API, which has no order of its own but its time. */
export function toldInsight(raw: Raw): Insight {
  const id = raw.insight_id ?? raw.batch_id;
  return insightOf(typeof id === "string" ? id : "", { ...raw, order: Date.parse(String(raw.last_event_at)) || 0 });
}

function pageOf<T>(body: Raw, items: readonly T[]): Page<T> {
  return { items, next: typeof body.next_cursor === "string" ? body.next_cursor : undefined };
}
