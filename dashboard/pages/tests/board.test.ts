import { describe, expect, it } from "vitest";
import { boardOf, isEmpty, lastDay, type TopList } from "../src/board.ts";
import { days, SECTIONS, WEB } from "./examples.ts";

const topOf = (board: ReturnType<typeof boardOf>) => board.tabs[0]?.entries[0] as TopList;

describe("the board", () => {
  it("shows what is declared, in the declared order, with its data", () => {
    const board = boardOf(WEB, SECTIONS);
    expect(board.kpis.map(({ title, value }) => [title, value])).toEqual([
      ["Page views", 60],
      ["Error rate", 2.5],
    ]);
    expect(board.charts.map(({ name }) => name)).toEqual(["by_hour", "by_day"]);
    expect(board.tabs[0]?.entries[1]).toMatchObject({ kind: "measure", value: "Planning" });
  });

  it("puts points and rows in their order, whatever the order of their keys", () => {
    const board = boardOf(WEB, SECTIONS);
    expect(board.charts[1]?.points.map(({ value }) => value)).toEqual([10, 20, 30]);
    expect(topOf(board).rows).toEqual([
      { key: "/a", value: 30 },
      { key: "/b", value: 6 },
    ]);
  });

  it("gives a figure the series of its measure, by day rather than by hour", () => {
    const [pageviews, errorRate] = boardOf(WEB, SECTIONS).kpis;
    expect(pageviews?.points.map(({ value }) => value)).toEqual([10, 20, 30]);
    expect(errorRate?.points).toEqual([]);
  });

  it("relates a top list to the count of all its events, and to nothing where that is not shown", () => {
    expect(topOf(boardOf(WEB, SECTIONS)).total).toBe(60);
    expect(topOf(boardOf(WEB, { ...SECTIONS, kpis: {} })).total).toBeUndefined();
  });

  it("lays the period before over this one, by day and only where both have as many points", () => {
    const earlier = (values: number[]) => ({
      kpis: { pageviews: 40 },
      charts: { by_day: days(values, 0), by_hour: days(values, 0) },
    });
    const board = boardOf(WEB, SECTIONS, earlier([1, 2, 3]));
    expect(board.kpis[0]?.before).toBe(40);
    expect(board.kpis[1]?.before).toBeUndefined();
    expect(board.charts.map((chart) => chart.before.map(({ value }) => value))).toEqual([[], [1, 2, 3]]);
    expect(boardOf(WEB, SECTIONS, earlier([1, 2])).charts[1]?.before).toEqual([]);
  });

  it("leaves out a single day where the same measure shows by hour, and only there", () => {
    const hour = (value: number) => ({ order: 1795341600 + value, value });
    const hours = { grain: "hour", points: { "2026-11-22T10:00Z": hour(1), "2026-11-22T11:00Z": hour(2) } };
    const names = (charts: object) => boardOf(WEB, { charts }).charts.map(({ name }) => name);
    expect(names({ by_day: days([5]), by_hour: hours })).toEqual(["by_hour"]);
    expect(names({ by_day: days([5, 6]), by_hour: hours })).toEqual(["by_hour", "by_day"]);
    expect(names({ by_day: days([5]) })).toEqual(["by_hour", "by_day"]);
  });

  it("compares nothing with a period from which there is nothing", () => {
    const nothing = { kpis: { pageviews: 0, error_rate: 0 }, charts: { by_day: days([0, 0, 0], 0) } };
    const board = boardOf(WEB, SECTIONS, nothing);
    expect(board.kpis.map(({ before }) => before)).toEqual([undefined, undefined]);
    expect(board.charts.map(({ before }) => before)).toEqual([[], []]);
  });

  it("shows sections under their own names where nothing is declared", () => {
    const board = boardOf(undefined, SECTIONS);
    expect(board.kpis.map(({ title }) => title)).toEqual(["Pageviews", "Error rate"]);
    expect(board.charts.map(({ title, grain }) => [title, grain])).toEqual([
      ["By day", "day"],
      ["By hour", "hour"],
    ]);
    expect(board.tabs.map(({ title }) => title)).toEqual(["Overview"]);
    expect(topOf(board)).toMatchObject({ kind: "top", title: "Top paths", error: 2 });
  });

  it.each([[{}], [{ kpis: null, charts: [], "tabs.overview": 7 }], [{ charts: { by_day: { points: { x: null } } } }]])(
    "shows %j without a fault",
    (sections) => {
      const board = boardOf(WEB, sections);
      expect(board.kpis.map(({ value }) => value)).toEqual([undefined, undefined]);
      expect(topOf(board).rows).toEqual([]);
    },
  );

  it("is empty when nothing was counted, and not when anything was", () => {
    const nothing = {
      kpis: { pageviews: 0, error_rate: 0 },
      charts: { by_day: days([0, 0]) },
      "tabs.overview": { top_paths: { error: 0, rows: {} }, latest: 0 },
    };
    expect(isEmpty(boardOf(WEB, nothing))).toBe(true);
    expect(isEmpty(boardOf(WEB, { ...nothing, kpis: { pageviews: 1, error_rate: 0 } }))).toBe(false);
    expect(isEmpty(boardOf(WEB, { ...nothing, charts: { by_day: days([0, 1]) } }))).toBe(false);
    expect(isEmpty(boardOf(WEB, { ...nothing, "tabs.overview": { latest: "Planning" } }))).toBe(false);
    expect(isEmpty(boardOf(WEB, SECTIONS))).toBe(false);
  });

  it("knows the last day from a series by day", () => {
    expect(lastDay(SECTIONS)).toBe("2026-11-22");
    expect(lastDay({ charts: { by_hour: SECTIONS.charts } })).toBeUndefined();
    expect(lastDay(undefined)).toBeUndefined();
  });
});
