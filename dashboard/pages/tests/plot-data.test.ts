import { describe, expect, it } from "vitest";
import { boardOf, type Chart } from "../src/board.ts";
import { isBars, labelled, plotData, rangeOf, steps, timeOf } from "../src/plot-data.ts";
import { sparkline } from "../src/sparkline.ts";
import { days, SECTIONS, WEB } from "./examples.ts";

const [byHour, byDay] = boardOf(WEB, SECTIONS, { charts: { by_day: days([1, 2, 3], 0) } }).charts as [Chart, Chart];
const DURING = Date.parse("2026-11-22T10:30:00Z");
const AFTER = Date.parse("2026-11-23T00:00:00Z");

describe("a line", () => {
  it("ends dotted on the day that still runs", () => {
    expect(plotData(byDay, DURING)).toEqual({
      at: [0, 1, 2],
      settled: [10, 20, null],
      running: [null, 20, 30],
      before: [1, 2, 3],
    });
  });

  it("is whole once its last day is over", () => {
    const { settled, running } = plotData(byDay, AFTER);
    expect([settled, running]).toEqual([
      [10, 20, 30],
      [null, null, null],
    ]);
  });
});

describe("bars", () => {
  it("are pale while their hour runs, and stand alone", () => {
    expect(plotData(byHour, DURING)).toMatchObject({ settled: [null], running: [7] });
    expect(plotData(byHour, AFTER)).toMatchObject({ settled: [7], running: [null] });
  });

  it("take the place of a line of one or two days", () => {
    expect([byHour, byDay, { ...byDay, points: byDay.points.slice(1) }].map(isBars)).toEqual([true, false, true]);
    expect(plotData({ ...byDay, points: byDay.points.slice(1) }, DURING)).toMatchObject({
      settled: [20, null],
      running: [null, 30],
    });
  });

  it("are nothing without points", () => {
    expect(plotData({ ...byDay, points: [], before: [] }, DURING)).toEqual({
      at: [],
      settled: [],
      running: [],
      before: [],
    });
  });
});

describe("axes", () => {
  it("label the latest point, and as many others as there is room for", () => {
    expect(labelled(30, 600)).toEqual([1, 5, 9, 13, 17, 21, 25, 29]);
    expect(labelled(3, 600)).toEqual([0, 1, 2]);
    expect(labelled(365, 20)).toEqual([364]);
    expect(labelled(0, 600)).toEqual([]);
  });

  it("begin at zero, with air above, and never collapse", () => {
    expect(rangeOf(5, 100)).toEqual([0, 108]);
    expect(rangeOf(-50, -10)).toEqual([-54, 0]);
    expect(rangeOf(0, 0)).toEqual([0, 1]);
    expect(rangeOf(null, null)).toEqual([0, 1]);
  });

  it("step by whole numbers where only whole ones occur", () => {
    expect(steps(true).slice(0, 4)).toEqual([1, 2, 5, 10]);
    expect(steps(false)[0]).toBe(0.001);
  });

  it("tell hours on the workspace's clock", () => {
    expect(timeOf({ key: "2026-11-22T10:00Z", order: 0, value: 0 }, "hour", "Europe/Berlin")).toBe("11:00");
    expect(timeOf({ key: "2026-11-22", order: 0, value: 0 }, "day", "Europe/Berlin", true)).toBe("Sun, Nov 22");
  });
});

describe("a sparkline", () => {
  it("goes from edge to edge, the highest point on top", () => {
    expect(sparkline(byDay.points, 100, 20)?.line).toBe("M0.0 12.7L50.0 7.3L100.0 2.0");
  });

  it("is left out where it would say nothing", () => {
    expect(sparkline([], 100, 20)).toBeUndefined();
    expect(sparkline(byDay.points.slice(2), 100, 20)).toBeUndefined();
    expect(
      sparkline(
        byDay.points.map((point) => ({ ...point, value: 0 })),
        100,
        20,
      ),
    ).toBeUndefined();
  });
});
