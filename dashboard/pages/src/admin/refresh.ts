/**
 * Loads again and again: at once when nudged, else so often, twice as seldom after each failure; one request at a time,
 * and none while nobody looks.
 */

import { ApiError } from "../api.ts";
import type { Problem } from "../problem.ts";

export const EVERY_MS = 5000;
const LONGEST_MS = 60_000;
/** Between the starts of two loads: news may come many times a second. */
export const GAP_MS = 1000;
export const TIMEOUT_MS = 20_000;

export type Outcome<T> = { data: T; at: number } | { problem: Problem };

export interface Refreshing<T> {
  load: (signal: AbortSignal) => Promise<T>;
  told: (outcome: Outcome<T>) => void;
  everyMs?: number;
  isSeen?: () => boolean;
}

export class Refresh<T> {
  #abort: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #startedAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** Nudged while a request was under way, which may not know yet of what has changed. */
  #isAgain = false;
  #isStopped = false;

  constructor(private readonly of: Refreshing<T>) {
    this.nudge();
  }

  /** There may be something new. */
  nudge(): void {
    if (this.#isStopped) return;
    if (this.#abort) this.#isAgain = true;
    else this.#plan(Math.max(0, this.#startedAt + GAP_MS - Date.now()));
  }

  /** End it, with what is under way. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }

  #plan(inMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), inMs);
  }

  async #run(): Promise<void> {
    if (this.of.isSeen?.() === false) return; // whoever looks again nudges
    const abort = new AbortController();
    const timeout = setTimeout(() => abort.abort(), TIMEOUT_MS);
    this.#abort = abort;
    this.#startedAt = Date.now();
    this.#isAgain = false;
    const outcome = await this.of.load(abort.signal).then(
      (data): Outcome<T> => ({ data, at: Date.now() }),
      (error: unknown): Outcome<T> => ({ problem: problemOf(error) }),
    );
    clearTimeout(timeout);
    this.#abort = undefined;
    if (this.#isStopped) return;
    this.#failures = "problem" in outcome ? this.#failures + 1 : 0;
    this.of.told(outcome);
    if (this.#isAgain) return this.nudge();
    this.#plan(Math.min((this.of.everyMs ?? EVERY_MS) * 2 ** this.#failures, LONGEST_MS));
  }
}

/** What a failed request says: the server's words, or that there were none. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error;
  if (error instanceof Error && error.name === "AbortError")
    return { code: "timeout", message: "The server did not answer in time" };
  return { code: "unreachable", message: "The server cannot be reached" };
}
