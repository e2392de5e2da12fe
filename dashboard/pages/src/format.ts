/** Values in their unit, for people. */

import type { Shown } from "./declared.ts";

type Measured = Pick<Shown, "unit" | "decimals">;

/** Whole counts keep every digit up to here, so that they visibly move. */
const COMPACT_FROM = 1e7;
const DEFAULT_DECIMALS = 2;
const BYTES = ["B", "kB", "MB", "GB", "TB", "PB"];

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const plain = Array.from({ length: 7 }, (_, digits) => new Intl.NumberFormat("en", { maximumFractionDigits: digits }));

/** A number and its unit, apart, for the unit is set smaller. */
export interface Parts {
  number: string;
  unit: string;
}

/** A value as a card shows it; "–" where there is none. */
export function partsOf(value: unknown, measured: Measured): Parts {
  if (typeof value === "string" && value) return { number: value, unit: "" };
  if (typeof value !== "number") return { number: "–", unit: "" };
  const digits = measured.decimals ?? DEFAULT_DECIMALS;
  switch (measured.unit) {
    case "bytes":
      return bytes(value);
    case "percent":
      return { number: rounded(value, digits), unit: "%" };
    case "milliseconds":
      return Math.abs(value) < 1000
        ? { number: rounded(value, Math.min(digits, 1)), unit: "ms" }
        : seconds(value / 1000);
    case "seconds":
      return seconds(value);
    case "minutes":
      return { number: rounded(value, digits), unit: "min" };
    case "hours":
      return { number: rounded(value, digits), unit: "h" };
    default:
      return { number: rounded(value, digits), unit: "" };
  }
}

/** A value as running text. */
export function format(value: unknown, measured: Measured): string {
  const { number, unit } = partsOf(value, measured);
  return unit === "%" || !unit ? `${number}${unit}` : `${number} ${unit}`;
}

/** A value as short as an axis needs it. */
export function formatShort(value: number, { unit }: Measured): string {
  if (unit === "bytes" || unit === "percent") return format(value, { unit, decimals: 1 });
  if (unit === "milliseconds" && Math.abs(value) >= 1000) return `${short.format(value / 1000)} s`;
  const suffix = { milliseconds: " ms", seconds: " s", minutes: " min", hours: " h", count: "" }[unit];
  return short.format(value) + suffix;
}

/** Every digit, in the unit it was measured in: what a short form hides. */
export function formatExact(value: unknown, { unit }: Measured): string {
  if (typeof value !== "number") return String(value ?? "");
  const number = plain[6]?.format(value) ?? String(value);
  if (unit === "count") return number;
  return unit === "percent" ? `${number}%` : `${number} ${unit}`;
}

/** How long a bar is, as a share of the longest: to the thousandth, since browsers keep the style of every length. */
export function barLength(value: number, longest: number): string {
  return String(Math.round((1000 * value) / longest) / 1000);
}

/** A part of a whole, in percent: "12%", "0.4%", "<0.1%". */
export function formatShare(part: number, whole: number): string {
  const percent = (part / whole) * 100;
  if (percent > 0 && percent < 0.1) return "<0.1%";
  return `${plain[percent < 10 ? 1 : 0]?.format(percent)}%`;
}

function rounded(value: number, digits: number): string {
  return Math.abs(value) < COMPACT_FROM ? (plain[digits] ?? compact).format(value) : compact.format(value);
}

function bytes(value: number): Parts {
  const power = Math.min(BYTES.length - 1, Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1) / 3)));
  return { number: String(Number((value / 1000 ** power).toPrecision(4))), unit: BYTES[power] ?? "B" };
}

function seconds(value: number): Parts {
  if (Math.abs(value) < 60) return { number: rounded(value, DEFAULT_DECIMALS), unit: "s" };
  const whole = Math.round(value);
  const [hours, minutes] = [Math.trunc(whole / 3600), Math.trunc((whole % 3600) / 60)];
  if (hours) return { number: `${rounded(hours, 0)} h ${minutes}`, unit: "min" };
  return { number: `${minutes} min ${whole % 60}`, unit: "s" };
}
