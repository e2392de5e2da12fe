/** A declaration, and the sections of a view of it, to be changed in one place. */

import type { Sections } from "../src/board.ts";
import type { Dashboard } from "../src/declared.ts";

export const WEB: Dashboard = {
  name: "web",
  title: "Web",
  kpis: [
    { name: "pageviews", title: "Page views", unit: "count", better: "higher" },
    { name: "error_rate", title: "Error rate", unit: "percent", better: "lower" },
  ],
  charts: [
    { name: "by_hour", title: "By hour", unit: "count", grain: "hour", measure: "pageviews" },
    { name: "by_day", title: "By day", unit: "count", grain: "day", measure: "pageviews" },
  ],
  tabs: [
    {
      name: "overview",
      title: "Overview",
      entries: [
        { name: "top_paths", title: "Top paths", unit: "count", kind: "top", share_of: "pageviews" },
        { name: "latest", title: "Latest", unit: "count", kind: "measure" },
      ],
    },
  ],
};

export function days(values: readonly number[], first = Date.parse("2026-11-20")): Record<string, unknown> {
  const points = values.map((value, index) => {
    const start = first + index * 86_400_000;
    return [new Date(start).toISOString().slice(0, 10), { order: start / 1000, value }];
  });
  return { grain: "day", points: Object.fromEntries(points.reverse()) };
}

export const SECTIONS: Sections = {
  kpis: { pageviews: 60, error_rate: 2.5 },
  charts: {
    by_day: days([10, 20, 30]),
    by_hour: { grain: "hour", points: { "2026-11-22T10:00Z": { order: 1795341600, value: 7 } } },
  },
  "tabs.overview": {
    top_paths: { error: 2, rows: { "/b": { order: 1, value: 6 }, "/a": { order: 0, value: 30 } } },
    latest: "Planning",
  },
};

export const INSIGHT = {
  order: Date.parse("2026-11-22T10:20:00Z"),
  analysed_at: "2026-11-22T10:21:00Z",
  first_event_at: "2026-11-22T10:00:00.000Z",
  last_event_at: "2026-11-22T10:20:00.000Z",
  events: 100,
  provider: "statistical",
  model: "statistical/1",
  summary: "More errors than usual.",
  confidence: 0.93,
  patterns: [
    {
      kind: "anomaly",
      text: "Four times as many errors as usual.",
      confidence: 0.93,
      figures: [
        { name: "errors", value: 42, usual: 10.5, unit: "count" },
        { name: "error_rate", value: 12, unit: "percent" },
      ],
    },
  ],
  recommendations: ["Look at the pages that fail."],
};
