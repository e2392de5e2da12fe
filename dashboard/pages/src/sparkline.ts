import type { Point } from "./board.ts";

/** Room for half of the line's width, so that it is not cut. */
const MARGIN = 2;

/** The SVG paths of a small chart, from zero up; undefined where there is nothing to compare. */
export function sparkline(
  points: readonly Point[],
  width: number,
  height: number,
): { line: string; area: string } | undefined {
  const highest = Math.max(...points.map(({ value }) => value));
  if (points.length < 2 || !(highest > 0)) return undefined;
  const step = width / (points.length - 1);
  const y = (value: number) => height - MARGIN - (Math.max(0, value) / highest) * (height - 2 * MARGIN);
  const line = points.map(({ value }, index) => `${(index * step).toFixed(1)} ${y(value).toFixed(1)}`).join("L");
  return { line: `M${line}`, area: `M${line}L${width} ${height}L0 ${height}Z` };
}
