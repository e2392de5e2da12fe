import { describe, expect, it } from "vitest";
import { boardOf } from "../src/board.ts";
import { formatConfidence, formatEvidence, insightsOf, toldOnce } from "../src/insights.ts";
import { INSIGHT, SECTIONS, WEB } from "./examples.ts";

describe("insights", () => {
  it("come newest first, whatever the order of their keys, and by id within a moment", () => {
    const section = {
      "2026-11-22T10:00Z.00.000000": { ...INSIGHT, order: 1 },
      "2026-11-22T10:00Z.00.000002": { ...INSIGHT, order: 3 },
      "2026-11-22T10:00Z.00.000003": { ...INSIGHT, order: 3 },
      "2026-11-22T10:00Z.00.000001": { ...INSIGHT, order: 2 },
    };
    expect(insightsOf(section)?.map(({ id }) => id.slice(-1))).toEqual(["3", "2", "1", "0"]);
  });

  it("have what they rest on, and say so where it is not known what is usual", () => {
    const [insight] = insightsOf({ a: INSIGHT }) ?? [];
    expect(insight).toMatchObject({ summary: "More errors than usual.", confidence: 0.93, provider: "statistical" });
    expect(insight?.at).toBe(INSIGHT.order);
    expect(insight?.patterns[0]?.figures).toEqual([
      { name: "errors", value: 42, usual: 10.5, unit: "count" },
      { name: "error_rate", value: 12, usual: undefined, unit: "percent" },
    ]);
  });

  it("are none where the dashboard has no section for them, and an empty list where there are none yet", () => {
    expect(boardOf(WEB, SECTIONS).insights).toBeUndefined();
    expect(boardOf(WEB, { ...SECTIONS, insights: {} }).insights).toEqual([]);
    expect(boardOf(WEB, { ...SECTIONS, insights: { a: INSIGHT } }).insights).toHaveLength(1);
  });

  it.each([
    [null],
    [[]],
    [{ a: null, b: { order: 1e300 } }],
    [{ a: { patterns: [null, { figures: 7 }], recommendations: "x" } }],
  ])("are read from %j without a fault", (section) => {
    for (const insight of insightsOf(section) ?? []) {
      expect(insight.summary).toBe("");
      expect(() => new Date(insight.at).toISOString()).not.toThrow();
    }
  });

  it("are told once where neighbours found nothing in the same words, and each where something was found", () => {
    const calm = { ...INSIGHT, patterns: [], recommendations: [], summary: "Nothing unusual." };
    const rows = [calm, calm, INSIGHT, INSIGHT, calm, { ...calm, summary: "Too little history." }];
    const section = Object.fromEntries(rows.map((row, at) => [String(at), { ...row, order: 10 - at }]));
    const told = toldOnce(insightsOf(section) ?? []).map(({ insight, batches }) => [insight.id, batches]);
    expect(told).toEqual([
      ["0", 2],
      ["2", 1],
      ["3", 1],
      ["4", 1],
      ["5", 1],
    ]);
  });

  it("never claim to be certain when they are not", () => {
    const shown = [1, 0.999, 0.93, 0.004, 0].map(formatConfidence);
    expect(shown).toEqual(["100%", "over 99%", "93%", "under 1%", "0%"]);
  });

  it("show figures in their unit, a known one or their own", () => {
    expect(formatEvidence(12, "percent")).toBe("12%");
    expect(formatEvidence(1500, "count")).toBe("1,500");
    expect(formatEvidence(2.5, "events per minute")).toBe("2.5 events per minute");
  });
});
