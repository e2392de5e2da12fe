/** The periods that one can choose, and the one before the one shown. */

import type { View } from "../../client/src/index.ts";
import { addDays } from "./dates.ts";

export interface Period {
  days: number;
  title: string;
  /** As short as a phone needs it. */
  short: string;
  /** The key that chooses it. */
  key: string;
}

export const DEFAULT_DAYS = 30;
export const MAX_DAYS = 366;

export const PERIODS: readonly Period[] = [
  { days: 1, title: "Today", short: "Today", key: "t" },
  { days: 7, title: "7 days", short: "7 d", key: "w" },
  { days: 30, title: "30 days", short: "30 d", key: "m" },
  { days: 90, title: "90 days", short: "90 d", key: "q" },
  { days: 365, title: "12 months", short: "1 y", key: "y" },
];

/** The first day of a period of `days` that ends with `last`. */
export function firstDay(days: number, last: string): string {
  return addDays(last, 1 - days);
}

/** The view of the same length that ends the day before the window that ends with `today`. */
export function previousOf(dashboard: string, days: number, today: string): Required<View> {
  return { dashboard, days, to: addDays(today, -days) };
}

/** What the figures of a period are compared with. */
export function previousTitle(days: number): string {
  return `the ${days} days before`;
}
