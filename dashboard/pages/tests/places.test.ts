import { describe, expect, it } from "vitest";
import { addDays, formatAge, formatHour, formatRange, todayIn } from "../src/dates.ts";
import { firstDay, previousOf } from "../src/period.ts";
import { placeOf, searchOf } from "../src/url-state.ts";

describe("the address", () => {
  it("names dashboard, days and tab", () => {
    expect(placeOf("?dashboard=meetings&days=7&tab=insights")).toEqual({
      dashboard: "meetings",
      days: 7,
      tab: "insights",
    });
  });

  it.each([
    "",
    "?days=0",
    "?days=367",
    "?days=1e2",
    "?days=-7",
    "?days=07",
    "?days=7.5",
    "?days=",
    "?dashboard=",
    "?dashboard=Web",
    "?dashboard=../x&tab=%00",
  ])("%j is what a first visit shows", (search) => {
    expect(placeOf(search)).toEqual({ dashboard: undefined, days: 30, tab: undefined });
  });

  it("gives back what it was made of, and keeps what else it says", () => {
    const place = { dashboard: "web", days: 366, tab: "overview" };
    expect(placeOf(searchOf(place))).toEqual(place);
    expect(searchOf({ ...place, tab: undefined }, "?utm=x&tab=old")).toBe("?utm=x&dashboard=web&days=366");
  });
});

describe("periods", () => {
  it("end with their last day, and the one before ends the day before", () => {
    expect(firstDay(30, "2026-11-22")).toBe("2026-10-24");
    expect(previousOf("web", 30, "2026-11-22")).toEqual({ dashboard: "web", days: 30, to: "2026-10-23" });
    expect(firstDay(1, "2026-11-22")).toBe("2026-11-22");
    expect(previousOf("web", 1, "2026-03-01").to).toBe("2026-02-28");
  });

  it("count days over leap days and changes of the clock", () => {
    expect(addDays("2028-02-28", 2)).toBe("2028-03-01");
    expect(addDays("2026-03-28", 2)).toBe("2026-03-30");
  });

  it("begin and end on the days of the workspace's timezone", () => {
    const now = Date.parse("2026-11-22T23:30:00Z");
    expect(todayIn("UTC", now)).toBe("2026-11-22");
    expect(todayIn("Europe/Berlin", now)).toBe("2026-11-23");
    expect(todayIn("America/Los_Angeles", now)).toBe("2026-11-22");
    expect(todayIn("Nowhere/Atall", now)).toBe("2026-11-22");
  });

  it("are named for people", () => {
    expect(formatRange("2026-11-22", "2026-11-22")).toBe("Nov 22, 2026");
    expect(formatRange("2026-10-24", "2026-11-22").replaceAll("\u2009", " ")).toBe("Oct 24 – Nov 22, 2026");
    expect(formatHour("2026-11-22T10:00Z", "Asia/Kolkata")).toBe("15:30");
    expect(formatHour("2026-11-22T10:00Z", "UTC", true)).toBe("Sun, Nov 22, 10:00");
  });

  it.each([
    [0, "just now"],
    [-5000, "just now"],
    [12_000, "12 s ago"],
    [200_000, "3 min ago"],
    [7_200_000, "2 h ago"],
    [3 * 86_400_000, "3 days ago"],
  ])("%d ms are %s", (ms, text) => {
    expect(formatAge(ms)).toBe(text);
  });
});
