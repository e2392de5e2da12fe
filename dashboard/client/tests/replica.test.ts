import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assemble } from "../src/parts.ts";
import { applyDelta, applySnapshot, type Replica } from "../src/replica.ts";
import type { Delta, Head, Incoming } from "../src/wire.ts";

const held: Replica = {
  position: { epoch: "e", seq: 5 },
  sections: { kpis: { a: 1 }, charts: { b: 2 } },
  checksums: { kpis: "k", charts: "c", full: "f" },
};
const head: Head = {
  type: "snapshot",
  position: { epoch: "e", seq: 7 },
  checksums: { kpis: "k2", charts: "c", full: "f2" },
  sections: ["kpis"],
  generated_at: "2026-11-22T10:00:00Z",
};
const delta = (fields: Partial<Delta>): Delta => ({
  view: { dashboard: "web" },
  epoch: "e",
  base: 5,
  seq: 6,
  patch: { kpis: { a: 2 } },
  checksums: { full: "f2" },
  ...fields,
});

describe("a delta", () => {
  test("applies to the position that it builds on", () => {
    expect(applyDelta(held, delta({}))).toMatchObject({
      position: { epoch: "e", seq: 6 },
      sections: { kpis: { a: 2 }, charts: { b: 2 } },
      checksums: { charts: "c" },
    });
  });
  test("that carries several leads on from any position between", () => {
    for (const base of [3, 4, 5])
      expect(applyDelta(held, delta({ base, seq: 8 }))).toMatchObject({ position: { epoch: "e", seq: 8 } });
  });
  test("leaves the checksums of what it changes to be computed", () => {
    expect(Object.keys((applyDelta(held, delta({})) as Replica).checksums)).toEqual(["charts"]);
  });
  test("that is known already is known", () => {
    expect(applyDelta(held, delta({ base: 4, seq: 5 }))).toBe("known");
  });
  test.each([
    ["of another epoch", { epoch: "other" }],
    ["of another epoch, however old", { epoch: "other", base: 1, seq: 2 }],
    ["after one that is missing", { base: 6, seq: 7 }],
  ])("%s shows a gap", (_, fields) => {
    expect(applyDelta(held, delta(fields))).toBe("gap");
  });
  test("can remove a section", () => {
    expect((applyDelta(held, delta({ patch: { charts: null } })) as Replica).sections).toEqual({ kpis: { a: 1 } });
  });
});

describe("a snapshot", () => {
  test("brings what differs and keeps what is still named", () => {
    expect(applySnapshot(held, head, { kpis: { a: 9 } })).toEqual({
      position: { epoch: "e", seq: 7 },
      sections: { kpis: { a: 9 }, charts: { b: 2 } },
      checksums: { charts: "c" },
      generatedAt: head.generated_at,
    });
  });
  test("drops what is not named any more", () => {
    const { sections } = applySnapshot(held, { ...head, checksums: { kpis: "k2", full: "f2" } }, { kpis: {} });
    expect(sections).toEqual({ kpis: {} });
  });
  test("that names the full checksum alone keeps everything", () => {
    const { sections } = applySnapshot(held, { ...head, checksums: { full: "f" }, sections: [] }, {});
    expect(sections).toEqual(held.sections);
  });
  test("of an empty workspace is empty", () => {
    expect(applySnapshot(undefined, { ...head, checksums: { full: "f" }, sections: [] }, {}).sections).toEqual({});
  });
});

describe("parts", () => {
  const part = (section: string, at: number, parts: number, data: unknown): Incoming => ({
    type: "section",
    section,
    part: at,
    parts,
    data,
  });
  test("join in whatever order and however often they come", () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 1, max: 9 }), fc.infiniteStream(fc.nat()), (text, size, order) => {
        const texts = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
        fc.pre(texts.length > 1 && texts.length < 1000);
        const messages = texts.flatMap((piece, at) => [
          part("kpis", at, texts.length, piece),
          part("kpis", at, texts.length, piece),
        ]);
        messages.push({ ...head });
        messages.sort(() => ((order.next().value as number) % 2) - 0.5);
        const take = assemble();
        const whole = messages.map(take).find((result) => result);
        expect(whole?.sections).toEqual({ kpis: JSON.parse(text) });
      }),
    );
  });
  test("of sections that nobody announced are left out", () => {
    const take = assemble();
    take(part("other", 0, 1, {}));
    expect(take({ ...head, sections: [] })?.sections).toEqual({});
  });
  test("messages of a type that is not known are ignored", () => {
    const take = assemble();
    expect(take({ type: "news", sections: [], checksums: {} })).toBeUndefined();
  });
  test.each([
    ["more than there can be", [part("kpis", 0, 1e9, "")]],
    ["none at all", [part("kpis", 0, 0, "")]],
    ["outside of their number", [part("kpis", 2, 2, "")]],
    ["negative", [part("kpis", -1, 2, "")]],
    ["of two opinions about their number", [part("kpis", 0, 2, "1"), part("kpis", 1, 3, "1")]],
    ["beyond all memory", Array.from({ length: 5 }, (_, at) => part("kpis", at, 9, "x".repeat(1 << 23)))],
  ])("that are %s are refused", (_, messages) => {
    const take = assemble();
    expect(() => messages.map(take)).toThrow(/out of bounds/);
  });
});
