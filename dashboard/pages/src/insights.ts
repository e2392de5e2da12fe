/** Insights: what the analysis of batches of events found, read from their section. Pure, and patient with what it gets. */

import type { Unit } from "./declared.ts";
import { format } from "./format.ts";

/** A number that a pattern rests on. */
export interface Evidence {
  name: string;
  value: number;
  /** What it usually is; undefined where that is not known. */
  usual: number | undefined;
  unit: string;
}

export interface Pattern {
  kind: string;
  text: string;
  confidence: number;
  figures: readonly Evidence[];
}

export interface Insight {
  id: string;
  /** The time of its last event, in ms. */
  at: number;
  events: number;
  provider: string;
  model: string;
  summary: string;
  /** From 0 to 1. */
  confidence: number;
  patterns: readonly Pattern[];
  recommendations: readonly string[];
}

/** The most that a date of JavaScript takes, either way. */
const LATEST_MS = 8.64e15;

/** The insights of a section, newest first; undefined where the dashboard has none. */
export function insightsOf(section: unknown): readonly Insight[] | undefined {
  if (section === undefined) return undefined;
  const found = Object.entries(record(section)).map(([id, raw]) => insightOf(id, record(raw)));
  return found.sort((one, other) => other.at - one.at || (other.id > one.id ? 1 : -1));
}

/** Neighbours among insights that say the same: that nothing was found, in the same words. */
export interface Told {
  /** The newest of them. */
  insight: Insight;
  batches: number;
}

/** Whether there is anything to be read beyond its summary. */
export function isCalm({ patterns, recommendations }: Insight): boolean {
  return patterns.length === 0 && recommendations.length === 0;
}

/** Insights as they are read: what goes on and on to be as usual is said once. */
export function toldOnce(insights: readonly Insight[]): readonly Told[] {
  const told: Told[] = [];
  for (const insight of insights) {
    const last = told.at(-1);
    if (last && isCalm(insight) && isCalm(last.insight) && insight.summary === last.insight.summary) last.batches += 1;
    else told.push({ insight, batches: 1 });
  }
  return told;
}

/** "93%"; never "100%" or "0%" of what is not certain. */
export function formatConfidence(confidence: number): string {
  const percent = Math.round(confidence * 100);
  if (confidence < 1 && percent === 100) return "over 99%";
  return confidence > 0 && percent === 0 ? "under 1%" : `${percent}%`;
}

/** A value in its unit, of which an analysis may have one of its own. */
export function formatEvidence(value: number, unit: string): string {
  return isKnown(unit) ? format(value, { unit }) : `${format(value, { unit: "count" })} ${unit}`;
}

const UNITS: readonly string[] = [
  "count",
  "bytes",
  "percent",
  "milliseconds",
  "seconds",
  "minutes",
  "hours",
] satisfies readonly Unit[];

function isKnown(unit: string): unit is Unit {
  return UNITS.includes(unit);
}

/** One insight as a section, or the API, tells it. */
export function insightOf(id: string, raw: Readonly<Record<string, unknown>>): Insight {
  return {
    id,
    at: Math.max(-LATEST_MS, Math.min(number(raw.order), LATEST_MS)),
    events: number(raw.events),
    provider: text(raw.provider),
    model: text(raw.model),
    summary: text(raw.summary),
    confidence: number(raw.confidence),
    patterns: list(raw.patterns).map(patternOf),
    recommendations: list(raw.recommendations).map(text),
  };
}

function patternOf(item: unknown): Pattern {
  const raw = record(item);
  return {
    kind: text(raw.kind),
    text: text(raw.text),
    confidence: number(raw.confidence),
    figures: list(raw.figures).map((figure) => {
      const { name, value, usual, unit } = record(figure);
      return {
        name: text(name),
        value: number(value),
        usual: typeof usual === "number" ? usual : undefined,
        unit: text(unit),
      };
    }),
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
