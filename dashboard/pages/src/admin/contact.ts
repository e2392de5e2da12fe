/** How the page stands to the server: when it last answered, and what went wrong since. Pure but for its listeners. */

import type { ConnectionState } from "../../../client/src/index.ts";
import { formatAge } from "../dates.ts";
import type { PageState } from "../page-state.ts";
import { isRefusal, type Problem } from "../problem.ts";

export interface Contact {
  /** The last answer, in Unix ms. */
  at: number | undefined;
  /** Why there was none the last time; undefined when there was. */
  problem: Problem | undefined;
}

/** What has been answered so long ago is not what is so now, in ms. */
const OLD_MS = 30_000;

/** Codes that say that the server, or the way to it, does not do: any other answer is an answer. */
const AWAY = new Set(["timeout", "unreachable", "internal", "unavailable", "throttled"]);

/** What `contact` becomes with an answer, or with a problem in place of it. */
export function afterAnswer(contact: Contact, problem: Problem | undefined, now: number): Contact {
  const isAway = problem !== undefined && (AWAY.has(problem.code) || isRefusal(problem));
  return isAway ? { ...contact, problem } : { at: now, problem: undefined };
}

export interface AdminSeen {
  contact: Contact;
  connection: ConnectionState | undefined;
  isOnline: boolean;
  now: number;
}

export function adminState({ contact: { at, problem }, connection, isOnline, now }: AdminSeen): PageState {
  const told = (state: PageState["state"], label: string): PageState => ({ state, label, spoken: label });
  if (isRefusal(problem)) return told("error", "No access");
  if (!isOnline) return told("offline", "Offline");
  if (at === undefined) return problem ? told("error", "Error") : told("loading", "Loading");
  if (problem) return told("stale", "Trying again");
  if (now - at > OLD_MS) return told("stale", "Checking");
  return told("live", connection?.status === "open" ? "Live" : "Every 5 s");
}

export function contactAge({ at }: Contact, now: number): string {
  return at === undefined ? "" : `as of ${formatAge(now - at)}`;
}
