import { describe, expect, it } from "vitest";
import type { Unit } from "../src/declared.ts";
import { barLength, format, formatExact, formatShare, formatShort } from "../src/format.ts";

describe("a value in its unit", () => {
  it.each<[unknown, Unit, string]>([
    [0, "count", "0"],
    [15238, "count", "15,238"],
    [9_999_999, "count", "9,999,999"],
    [12_345_678, "count", "12.35M"],
    [-4.256, "count", "-4.26"],
    [999, "bytes", "999 B"],
    [346_123_456, "bytes", "346.1 MB"],
    [2_747_282_505, "bytes", "2.747 GB"],
    [0.4, "bytes", "0.4 B"],
    [2.926, "percent", "2.93%"],
    [61.5, "minutes", "61.5 min"],
    [1200, "hours", "1,200 h"],
    [12.34, "milliseconds", "12.3 ms"],
    [1530, "milliseconds", "1.53 s"],
    [59.99, "seconds", "59.99 s"],
    [125, "seconds", "2 min 5 s"],
    [7325, "seconds", "2 h 2 min"],
    ["Planning", "count", "Planning"],
    ["", "count", "–"],
    [undefined, "bytes", "–"],
    [null, "count", "–"],
  ])("%j in %s reads %s", (value, unit, text) => {
    expect(format(value, { unit })).toBe(text);
  });

  it("has at most the declared decimals", () => {
    expect(format(61.26, { unit: "minutes", decimals: 1 })).toBe("61.3 min");
    expect(format(61.26, { unit: "count", decimals: 0 })).toBe("61");
    expect(format(0.123456, { unit: "count", decimals: 6 })).toBe("0.123456");
  });

  it("is short on an axis", () => {
    expect(formatShort(15_000, { unit: "count" })).toBe("15K");
    expect(formatShort(20_000_000, { unit: "bytes" })).toBe("20 MB");
    expect(formatShort(2.5, { unit: "percent" })).toBe("2.5%");
    expect(formatShort(2000, { unit: "milliseconds" })).toBe("2 s");
    expect(formatShort(30, { unit: "minutes" })).toBe("30 min");
  });

  it("has every digit in its exact form", () => {
    expect(formatExact(346_123_456, { unit: "bytes" })).toBe("346,123,456 bytes");
    expect(formatExact(12_345_678, { unit: "count" })).toBe("12,345,678");
    expect(formatExact(1.23456, { unit: "percent" })).toBe("1.23456%");
  });

  it.each([
    [1, 4, "25%"],
    [1, 30, "3.3%"],
    [1, 5000, "<0.1%"],
    [0, 10, "0%"],
    [10, 10, "100%"],
  ])("%d of %d is %s", (part, whole, text) => {
    expect(formatShare(part, whole)).toBe(text);
  });
});

describe("a bar", () => {
  it("is as long as what it stands for, and stays so while that moves by less than can be seen", () => {
    expect([0, 1, 2, 3].map((value) => barLength(value, 3))).toEqual(["0", "0.333", "0.667", "1"]);
    expect(new Set([40_000, 40_001, 40_004].map((value) => barLength(value, 90_000))).size).toBe(1);
  });
});
