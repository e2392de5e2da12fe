/** The page's own state in one word and one sentence: never a number on screen of which one cannot tell how true it is. */

import type { ConnectionState, ViewState } from "../../client/src/index.ts";
import { formatAge } from "./dates.ts";
import type { Problem } from "./problem.ts";

export type State = "live" | "stale" | "offline" | "loading" | "error" | "signed-out";

export interface PageState {
  state: State;
  /** What the pill says: "Live", "Reconnecting in 4 s". */
  label: string;
  /** The label without what changes every second: what a screen reader is told. */
  spoken: string;
}

export interface Seen {
  view: ViewState | undefined;
  connection: ConnectionState | undefined;
  problem: Problem | undefined;
  isOnline: boolean;
  now: number;
}

export function pageState({ view, connection, problem, isOnline, now }: Seen): PageState {
  if (problem) return said("error", "Error");
  if (!isOnline || connection?.status === "offline") return said("offline", "Offline");
  if (connection?.status === "waiting") return waiting(view?.sections ? "stale" : "loading", connection, now);
  switch (view?.status) {
    case "live":
    case "static":
      return said("live", "Live");
    case "cached":
      return said("stale", "Checking");
    case "stale":
      return said("stale", connection?.status === "open" ? "Catching up" : "Reconnecting");
    default:
      return view?.sections ? said("stale", "Checking") : said("loading", "Connecting");
  }
}

/** Failures in a row, with the waits between them some 2 s, after which it is more than the blink that any network has. */
const AWAY_ATTEMPTS = 4;

/** Whether the connection is away for so long that a sentence about it is worth the room. */
export function isAway(connection: ConnectionState | undefined): boolean {
  if (connection?.status !== "waiting" && connection?.status !== "connecting") return false;
  return connection.attempt >= AWAY_ATTEMPTS;
}

/** When the server last said that what is shown is right. */
export function freshness(view: ViewState | undefined, now: number): string {
  if (!view?.sections) return "";
  if (view.verifiedAt !== undefined) return `verified ${formatAge(now - view.verifiedAt)}`;
  return view.generatedAt ? `saved ${formatAge(now - Date.parse(view.generatedAt))}` : "not verified yet";
}

function waiting(state: State, { retryAt }: ConnectionState, now: number): PageState {
  const seconds = Math.ceil(((retryAt ?? now) - now) / 1000);
  const label = seconds > 0 ? `Reconnecting in ${seconds} s` : "Reconnecting";
  return { state, label, spoken: "Connection lost, reconnecting" };
}

function said(state: State, label: string): PageState {
  return { state, label, spoken: label };
}
