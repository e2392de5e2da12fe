/** What a chart draws, worked out without drawing it. */

import type { Chart, Point } from "./board.ts";
import { formatDay, formatHour } from "./dates.ts";

const LABEL_WIDTH = 68;
const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3600;

type Values = (number | null)[];

export interface PlotData {
  /** The places of the points, 0 to n - 1: days and hours are evenly spaced, whatever the clock does. */
  at: number[];
  /** What is settled. */
  settled: Values;
  /** What still grows: the day or hour that runs, joined to the point before it. */
  running: Values;
  before: Values;
}

/** The columns of a chart at `now` (ms). A bar that runs stands alone, a line that runs starts at the last settled point. */
export function plotData(chart: Chart, now: number): PlotData {
  const { points, before, grain } = chart;
  const last = points.length - 1;
  const isRunning = last >= 0 && endOf(points[last], grain) * 1000 > now;
  const joined = isBars(chart) ? last : last - 1;
  return {
    at: points.map((_, index) => index),
    settled: points.map(({ value }, index) => (isRunning && index === last ? null : value)),
    running: points.map(({ value }, index) => (isRunning && index >= joined ? value : null)),
    before: points.map((_, index) => before[index]?.value ?? null),
  };
}

/** Hours are bars; so are days, where there are too few for a line. */
export function isBars({ grain, points }: Chart): boolean {
  return grain === "hour" || points.length < 3;
}

/** The places that get a label: as many as fit into `width` pixels, counted from the latest. */
export function labelled(count: number, width: number): number[] {
  const every = Math.max(1, Math.ceil(count / Math.max(1, Math.floor(width / LABEL_WIDTH))));
  return Array.from({ length: count }, (_, index) => index).filter((index) => (count - 1 - index) % every === 0);
}

/** The range of the vertical axis: from zero, with a little air above. */
export function rangeOf(lowest: number | null, highest: number | null): [number, number] {
  const [low, high] = [Math.min(0, lowest ?? 0), Math.max(0, highest ?? 0)];
  return low === high ? [0, 1] : [low * 1.08, high * 1.08];
}

/** Steps of the vertical axis: 1, 2 and 5 times the powers of ten; for counts none below one. */
export function steps(isWhole: boolean): number[] {
  const powers = Array.from({ length: 20 }, (_, index) => 10 ** (index - 3));
  return powers.flatMap((power) => [power, 2 * power, 5 * power]).filter((step) => !isWhole || step >= 1);
}

/** The time of a point, for an axis or, in its long form, for a sentence. */
export function timeOf({ key }: Point, grain: Chart["grain"], timezone: string | undefined, isLong = false): string {
  return grain === "day" ? formatDay(key, isLong) : formatHour(key, timezone, isLong);
}

function endOf(point: Point | undefined, grain: Chart["grain"]): number {
  return (point?.order ?? 0) + (grain === "day" ? DAY_SECONDS : HOUR_SECONDS);
}
