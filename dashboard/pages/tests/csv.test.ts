import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boardOf } from "../src/board.ts";
import { countRows, csvOf, fileName } from "../src/csv.ts";
import { days, SECTIONS, WEB } from "./examples.ts";

/** Read RFC 4180, strictly: what is not of its grammar is a fault. */
function parse(text: string): string[][] {
  expect(text.startsWith("\uFEFF")).toBe(true);
  const rows: string[][] = [];
  let rest = text.slice(1);
  while (rest) {
    const row: string[] = [];
    for (let end = ","; end === ","; ) {
      const field = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest);
      if (!field) throw new Error(`not RFC 4180: ${JSON.stringify(rest.slice(0, 40))}`);
      row.push(field[1]?.replaceAll('""', '"') ?? field[2] ?? "");
      end = field[3] ?? "";
      rest = rest.slice(field[0].length);
    }
    rows.push(row);
  }
  return rows;
}

const listed = (key: string) =>
  parse(csvOf(boardOf(WEB, { "tabs.overview": { top_paths: { error: 0, rows: { [key]: { order: 0, value: 5 } } } } })))
    .filter(([section, name]) => section === "tabs.overview" && name === "top_paths")
    .map((row) => row[3]);

describe("the export", () => {
  it("has a row for every figure, point and list row that is shown", () => {
    const before = { kpis: { pageviews: 40 }, charts: { by_day: days([1, 2, 3], 0) } };
    const board = boardOf(WEB, SECTIONS, before);
    const rows = parse(csvOf(board));
    expect(rows).toEqual([
      ["section", "name", "title", "key", "value", "unit", "previous", "error"],
      ["kpis", "pageviews", "Page views", "", "60", "count", "40", ""],
      ["kpis", "error_rate", "Error rate", "", "2.5", "percent", "", ""],
      ["charts", "by_hour", "By hour", "2026-11-22T10:00Z", "7", "count", "", ""],
      ["charts", "by_day", "By day", "2026-11-20", "10", "count", "1", ""],
      ["charts", "by_day", "By day", "2026-11-21", "20", "count", "2", ""],
      ["charts", "by_day", "By day", "2026-11-22", "30", "count", "3", ""],
      ["tabs.overview", "top_paths", "Top paths", "/a", "30", "count", "", "2"],
      ["tabs.overview", "top_paths", "Top paths", "/b", "6", "count", "", "2"],
      ["tabs.overview", "latest", "Latest", "", "Planning", "count", "", ""],
    ]);
    expect(countRows(board)).toBe(rows.length - 1);
  });

  it("gives every text back, whatever is in it", () => {
    const texts = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(",", '"', "\r", "\n", ";", "=", " ", "a") }));
    fc.assert(
      fc.property(texts, (key) => {
        const [found] = listed(key);
        expect(found === key || found === `'${key}`).toBe(true);
      }),
    );
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")', "  =1"])(
    "lets no spreadsheet run %j",
    (key) => {
      expect(listed(key)).toEqual([`'${key}`]);
    },
  );

  it.each(["/pricing", "a=b", "a-b", "", "é", "https://x/?a=1"])("leaves %j as it is", (key) => {
    expect(listed(key)).toEqual([key]);
  });

  it("leaves negative numbers numbers", () => {
    expect(csvOf(boardOf(WEB, { kpis: { pageviews: -5 } }))).toContain("Page views,,-5,count");
  });

  it("has a name that every file system takes", () => {
    expect(fileName("demo", "web", 30, "2026-11-22")).toBe("tidemark-demo-web-30d-2026-11-22.csv");
    expect(fileName("a/../b c", "web", 7, "2026-11-22")).toBe("tidemark-a_b_c-web-7d-2026-11-22.csv");
  });
});
