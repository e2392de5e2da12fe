/** What the server declares of its dashboards: `GET /v1/workspaces/{ws}/dashboards`. */

export type Unit = "count" | "bytes" | "percent" | "milliseconds" | "seconds" | "minutes" | "hours";

/** How a measure is shown. */
export interface Shown {
  name: string;
  title: string;
  unit: Unit;
  /** What it means, in a sentence. */
  about?: string;
  /** Which direction is good news; neither unless declared. */
  better?: "higher" | "lower";
  /** The most digits after the point. */
  decimals?: number;
}

export interface DeclaredChart extends Shown {
  grain: "day" | "hour";
  /** The measure that the chart shows over time. */
  measure?: string;
}

export interface DeclaredEntry extends Shown {
  kind: "measure" | "top";
  /** The measure that counts all events of a top list. */
  share_of?: string;
}

export interface DeclaredTab {
  name: string;
  title: string;
  entries: readonly DeclaredEntry[];
}

export interface Dashboard {
  name: string;
  title: string;
  kpis: readonly Shown[];
  charts: readonly DeclaredChart[];
  tabs: readonly DeclaredTab[];
  /** How many of the workspace's last insights it shows; missing for one that shows none. */
  insights?: number;
}

export interface Declarations {
  /** The IANA name of the timezone that the workspace's days are in. */
  timezone: string;
  dashboards: readonly Dashboard[];
}

/** A title for what is declared without one: "top_referrers" reads "Top referrers". */
export function titleOf(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
