/**
 * What is shown, as CSV (RFC 4180): one row a figure, a point or a row of a list. Numbers are written in full, in the
 * unit that they were measured in.
 */

import type { Board, Entry, Figure, Point } from "./board.ts";
import type { Shown } from "./declared.ts";

const HEADER = ["section", "name", "title", "key", "value", "unit", "previous", "error"];
const BYTE_ORDER_MARK = "\uFEFF"; // without it Excel takes UTF-8 for something else
const LINE_END = "\r\n";

type Cell = string | number | undefined;

/** The board as a CSV document, with the byte order mark. */
export function csvOf(board: Board): string {
  const rows = rowsOf(board);
  return BYTE_ORDER_MARK + [HEADER, ...rows].map((row) => row.map(cell).join(",") + LINE_END).join("");
}

/** How many rows `csvOf` writes beside the header. */
export function countRows(board: Board): number {
  return rowsOf(board).length;
}

/** "tidemark-demo-web-30d-2026-11-22.csv", without a character that a file system could mind. */
export function fileName(workspace: string, dashboard: string, days: number, day: string): string {
  const safe = (text: string) => text.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 64);
  return `tidemark-${safe(workspace)}-${safe(dashboard)}-${days}d-${day}.csv`;
}

function rowsOf({ kpis, charts, tabs }: Board): Cell[][] {
  return [
    ...kpis.map((kpi) => figure("kpis", kpi)),
    ...charts.flatMap((chart) =>
      chart.points.map((point, index) => [
        "charts",
        chart.name,
        chart.title,
        point.key,
        point.value,
        chart.unit,
        previous(chart.before, index),
        undefined,
      ]),
    ),
    ...tabs.flatMap((tab) => tab.entries.flatMap((entry) => entryRows(`tabs.${tab.name}`, entry))),
  ];
}

function entryRows(section: string, entry: Entry): Cell[][] {
  if (entry.kind === "measure") return [figure(section, entry)];
  const { name, title, unit, error } = entry;
  return entry.rows.map(({ key, value }) => [section, name, title, key, value, unit, undefined, error]);
}

function figure(
  section: string,
  { name, title, value, unit, before }: Shown & Pick<Figure, "value" | "before">,
): Cell[] {
  return [section, name, title, undefined, scalar(value), unit, scalar(before), undefined];
}

function previous(points: readonly Point[], index: number): number | undefined {
  return points[index]?.value;
}

function scalar(value: unknown): Cell {
  return typeof value === "number" || typeof value === "string" ? value : undefined;
}

/**
 * One field. A text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, "CSV Injection"):
 * the keys of lists come from whoever sends events.
 */
function cell(value: Cell): string {
  if (typeof value !== "string") return value === undefined ? "" : String(value);
  const text = /^[\s]*[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
