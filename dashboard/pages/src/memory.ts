/**
 * What this browser remembers of a workspace beside the SDK's own snapshots: its declarations, so that the first numbers
 * need not wait for the network; and the periods before, for an hour: they are over, and only an event that comes late
 * changes them, so a visit that comes back soon need not ask again.
 */

import type { View } from "../../client/src/index.ts";
import type { Sections } from "./board.ts";
import type { Declarations } from "./declared.ts";
import { browser, parsed, type Store } from "./store.ts";

const PAST_MS = 3_600_000;
const MOST_PASTS = 8;

interface Past {
  key: string;
  at: number;
  sections: Sections;
}

export function readDeclared(workspace: string, store: Store = browser): Declarations | undefined {
  const kept = parsed(store.get(declaredKey(workspace)));
  return Array.isArray((kept as Partial<Declarations> | undefined)?.dashboards) ? (kept as Declarations) : undefined;
}

export function keepDeclared(workspace: string, declarations: Declarations, store: Store = browser): void {
  store.set(declaredKey(workspace), JSON.stringify(declarations));
}

/** The sections of a period that is over, if they were kept less than an hour before `now` (ms). */
export function readPast(
  workspace: string,
  view: Required<View>,
  now: number,
  store: Store = browser,
): Sections | undefined {
  return pasts(workspace, now, store).find(({ key }) => key === keyOf(view))?.sections;
}

/** Keep the sections of a period that is over; the oldest of many go. */
export function keepPast(
  workspace: string,
  view: Required<View>,
  sections: Sections,
  now: number,
  store: Store = browser,
): void {
  const key = keyOf(view);
  const others = pasts(workspace, now, store).filter((past) => past.key !== key);
  store.set(pastKey(workspace), JSON.stringify([...others, { key, at: now, sections }].slice(-MOST_PASTS)));
}

export function forgetWorkspace(workspace: string, store: Store = browser): void {
  store.remove(declaredKey(workspace));
  store.remove(pastKey(workspace));
}

function pasts(workspace: string, now: number, store: Store): Past[] {
  const kept = parsed(store.get(pastKey(workspace)));
  return Array.isArray(kept) ? (kept as Past[]).filter(({ at }) => now - at >= 0 && now - at < PAST_MS) : [];
}

const declaredKey = (workspace: string) => `declared.${workspace}`;
const pastKey = (workspace: string) => `past.${workspace}`;
const keyOf = ({ dashboard, days, to }: Required<View>) => `${dashboard}|${days}|${to}`;
