/**
 * The board: a declaration and the sections of a view, put together into what is shown. Pure, so that the page, the
 * export and the tests speak of the same thing. Sections without a declaration (it failed to load) show under their names.
 */

import { type Dashboard, type DeclaredChart, type DeclaredEntry, type Shown, titleOf } from "./declared.ts";
import { type Insight, insightsOf } from "./insights.ts";

export type Sections = Readonly<Record<string, unknown>>;

export interface Point {
  key: string;
  /** The start, in Unix seconds. */
  order: number;
  value: number;
}

export interface Row {
  key: string;
  value: number;
}

export interface Figure extends Shown {
  value: unknown;
  /** The value of the period before; undefined until it is known. */
  before: unknown;
  /** The measure over time, where a chart shows it. */
  points: readonly Point[];
}

export interface Chart extends DeclaredChart {
  points: readonly Point[];
  /** The points of the period before, in order; none where they cannot be laid over these. */
  before: readonly Point[];
}

export interface TopList extends Shown {
  kind: "top";
  rows: readonly Row[];
  /** A row's true count is at most this much higher. */
  error: number;
  /** The count of all events of the list, where one is shown. */
  total: number | undefined;
}

export type Entry = TopList | (Figure & { kind: "measure" });

export interface Tab {
  name: string;
  title: string;
  entries: readonly Entry[];
}

export interface Board {
  kpis: readonly Figure[];
  charts: readonly Chart[];
  tabs: readonly Tab[];
  /** Newest first; undefined where the dashboard shows none. */
  insights: readonly Insight[] | undefined;
}

const TAB = "tabs.";

/**
 * What is shown of `sections`; `before` are those of the previous period, if known. With a period from which there is
 * nothing at all, before the first event, nothing is compared: all of it would be "new".
 */
export function boardOf(declared: Dashboard | undefined, sections: Sections, before: Sections = {}): Board {
  const dashboard = declared ?? undeclared(sections);
  return assembled(dashboard, sections, isEmpty(assembled(dashboard, before, {})) ? {} : before);
}

function assembled(dashboard: Dashboard, sections: Sections, before: Sections): Board {
  const charts = dashboard.charts.map((chart) => chartOf(chart, sections, before));
  const figure = (shown: Shown, section: string): Figure => ({
    ...shown,
    value: group(sections[section])[shown.name],
    before: group(before[section])[shown.name],
    points: seriesOf(shown.name, charts),
  });
  return {
    kpis: dashboard.kpis.map((kpi) => figure(kpi, "kpis")),
    charts: charts.filter((chart) => saysMore(chart, charts)),
    tabs: dashboard.tabs.map((tab) => ({
      name: tab.name,
      title: tab.title,
      entries: tab.entries.map((entry) => {
        const section = TAB + tab.name;
        const value = group(sections[section])[entry.name];
        return isTop(value) || entry.kind === "top"
          ? topOf(entry, value, sections)
          : { ...figure(entry, section), kind: "measure" as const };
      }),
    })),
    insights: insightsOf(sections.insights),
  };
}

/** Whether nothing was counted in the whole period. */
export function isEmpty({ kpis, charts, tabs }: Board): boolean {
  const nothing = (value: unknown) => value === undefined || value === 0;
  return (
    kpis.every(({ value }) => nothing(value)) &&
    charts.every(({ points }) => points.every(({ value }) => nothing(value))) &&
    tabs.every(({ entries }) =>
      entries.every((entry) => (entry.kind === "top" ? !entry.rows.length : nothing(entry.value))),
    )
  );
}

/** The last day of a view's window as the server rendered it, from any series by day; undefined without one. */
export function lastDay(sections: Sections | undefined): string | undefined {
  for (const series of Object.values(group(sections?.charts))) {
    if (group(series).grain === "day") return pointsOf(series).at(-1)?.key;
  }
  return undefined;
}

function chartOf(chart: DeclaredChart, sections: Sections, before: Sections): Chart {
  const points = pointsOf(group(sections.charts)[chart.name]);
  const earlier = chart.grain === "day" ? pointsOf(group(before.charts)[chart.name]) : [];
  return { ...chart, points, before: earlier.length === points.length ? earlier : [] };
}

function topOf(entry: DeclaredEntry, raw: unknown, sections: Sections): TopList {
  const { rows, error } = group(raw);
  const ranked = Object.entries(group(rows)).map(([key, row]) => ({ key, row: group(row) }));
  ranked.sort((one, other) => number(one.row.order) - number(other.row.order));
  return {
    ...entry,
    kind: "top",
    rows: ranked.map(({ key, row }) => ({ key, value: number(row.value) })),
    error: number(error),
    total: entry.share_of === undefined ? undefined : shownValue(entry.share_of, sections),
  };
}

/** Whether a chart shows more than the figure does: a single day does not, beside the same measure by hour. */
function saysMore(chart: Chart, charts: readonly Chart[]): boolean {
  const isSame = (other: Chart) => other !== chart && other.measure === chart.measure && other.points.length > 1;
  return chart.grain === "hour" || chart.points.length !== 1 || !chart.measure || !charts.some(isSame);
}

/** A measure's value, in whichever section it is shown. */
function shownValue(name: string, sections: Sections): number | undefined {
  for (const [section, data] of Object.entries(sections)) {
    const value = section === "charts" ? undefined : group(data)[name];
    if (typeof value === "number") return value;
  }
  return undefined;
}

/** The measure's own series: by day rather than by hour. */
function seriesOf(measure: string, charts: readonly Chart[]): readonly Point[] {
  const own = charts.filter((chart) => chart.measure === measure && chart.points.length > 1);
  return (own.find(({ grain }) => grain === "day") ?? own[0])?.points ?? [];
}

function pointsOf(series: unknown): Point[] {
  const points = Object.entries(group(group(series).points)).map(([key, raw]) => {
    const point = group(raw);
    return { key, order: number(point.order), value: number(point.value) };
  });
  return points.sort((one, other) => one.order - other.order);
}

/** A declaration made up from the data itself. */
function undeclared(sections: Sections): Dashboard {
  const shown = (name: string): Shown => ({ name, title: titleOf(name), unit: "count" });
  const entry = ([name, value]: [string, unknown]): DeclaredEntry => ({
    ...shown(name),
    kind: isTop(value) ? "top" : "measure",
  });
  const charts = Object.entries(group(sections.charts));
  return {
    name: "",
    title: "",
    kpis: Object.keys(group(sections.kpis)).map(shown),
    charts: charts.map(([name, series]) => ({
      ...shown(name),
      grain: group(series).grain === "hour" ? "hour" : "day",
    })),
    tabs: Object.entries(sections)
      .filter(([section]) => section.startsWith(TAB))
      .map(([section, data]) => {
        const name = section.slice(TAB.length);
        return { name, title: titleOf(name), entries: Object.entries(group(data)).map(entry) };
      }),
  };
}

function isTop(value: unknown): boolean {
  return typeof group(value).rows === "object";
}

function group(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
