/** What became of a number since the period before. */

import type { Shown } from "./declared.ts";
import { format } from "./format.ts";

export interface Change {
  direction: "up" | "down" | "same";
  verdict: "good" | "bad" | "neutral";
  /** "12%", "0.4 pp", "new". */
  text: string;
}

/** Beyond it the figure says nothing but "many times as much". */
const MOST_PERCENT = 999;

/**
 * The change from `before` to `now`; undefined where there is nothing to compare. A percentage changes by points (pp): "20%
 * more errors" must not be read as an error rate that is 20 points higher.
 */
export function changeOf(now: unknown, before: unknown, shown: Pick<Shown, "unit" | "better">): Change | undefined {
  if (typeof now !== "number" || typeof before !== "number" || (now === 0 && before === 0)) return undefined;
  const text = shown.unit === "percent" ? points(now - before) : relative(now, before);
  const isSame = now === before || /^0(?![.\d])/.test(text);
  const direction = isSame ? "same" : now > before ? "up" : "down";
  return { direction, verdict: verdictOf(direction, shown.better), text };
}

function verdictOf(direction: Change["direction"], better: Shown["better"]): Change["verdict"] {
  if (direction === "same" || !better) return "neutral";
  return (direction === "up") === (better === "higher") ? "good" : "bad";
}

function points(difference: number): string {
  return `${format(Math.abs(difference), { unit: "count", decimals: Math.abs(difference) < 10 ? 1 : 0 })} pp`;
}

function relative(now: number, before: number): string {
  if (now === before) return "0%";
  if (before === 0) return "new";
  const percent = Math.abs((now - before) / before) * 100;
  if (percent > MOST_PERCENT) return `>${MOST_PERCENT}%`;
  return format(percent, { unit: "percent", decimals: percent < 10 ? 1 : 0 });
}
