import { describe, expect, it } from "vitest";
import { changeOf } from "../src/change.ts";

describe("a change", () => {
  it.each([
    [112, 100, "up", "12%"],
    [88, 100, "down", "12%"],
    [100.4, 100, "up", "0.4%"],
    [100, 100, "same", "0%"],
    [100.001, 100, "same", "0%"],
    [5, 0, "up", "new"],
    [50_000, 1, "up", ">999%"],
    [-50, -100, "up", "50%"],
  ])("from %d to %d goes %s by %s", (now, before, direction, text) => {
    expect(changeOf(now, before, { unit: "count" })).toEqual({ direction, text, verdict: "neutral" });
  });

  it("of a percentage is in points", () => {
    expect(changeOf(2.4, 2, { unit: "percent" })?.text).toBe("0.4 pp");
    expect(changeOf(2, 62, { unit: "percent" })).toMatchObject({ direction: "down", text: "60 pp" });
    expect(changeOf(2.01, 2, { unit: "percent" })?.direction).toBe("same");
  });

  it("is good or bad only where a direction is declared", () => {
    const verdicts = (better?: "higher" | "lower") =>
      [2, 0.5, 1].map((now) => changeOf(now, 1, { unit: "count", ...(better && { better }) })?.verdict);
    expect(verdicts("higher")).toEqual(["good", "bad", "neutral"]);
    expect(verdicts("lower")).toEqual(["bad", "good", "neutral"]);
    expect(verdicts()).toEqual(["neutral", "neutral", "neutral"]);
  });

  it.each([
    [5, undefined],
    [undefined, 5],
    ["Planning", "Retro"],
    [0, 0],
  ])("does not exist between %j and %j", (now, before) => {
    expect(changeOf(now, before, { unit: "count" })).toBeUndefined();
  });
});
