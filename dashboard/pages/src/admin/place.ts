/** What the admin looks at stands in the address: `?section=batches&workspace=demo&state=OPEN`. Pure. */

import { BATCH_STATES, JOB_STATES } from "./model.ts";

export const SECTIONS = ["overview", "batches", "jobs", "insights"] as const;
export type Section = (typeof SECTIONS)[number];

export interface AdminPlace {
  section: Section;
  /** Undefined: all of the operator's, or the token's own. */
  workspace: string | undefined;
  /** The filter of the list that is shown. */
  state: string | undefined;
  /** One batch, in place of the list of them. */
  batch: string | undefined;
}

const WORKSPACE = /^[a-z0-9][a-z0-9-]{1,62}$/;
const BATCH = /^[\w:.-]{1,64}$/;
const STATES: Readonly<Record<Section, readonly string[]>> = {
  overview: [],
  batches: BATCH_STATES,
  jobs: JOB_STATES,
  insights: [],
};

/** The place that a query names; what is missing or malformed in it is what a first visit shows. */
export function adminPlaceOf(search: string): AdminPlace {
  const query = new URLSearchParams(search);
  const section = SECTIONS.find((known) => known === query.get("section")) ?? "overview";
  return {
    section,
    workspace: matching(query.get("workspace"), WORKSPACE),
    state: STATES[section].find((known) => known === query.get("state")),
    batch: section === "batches" ? matching(query.get("batch"), BATCH) : undefined,
  };
}

/** The query that names a place, and nothing else. */
export function adminSearchOf(place: Partial<AdminPlace> & Pick<AdminPlace, "section">): string {
  const { section, workspace, state, batch } = place;
  const named = Object.entries({ section, workspace, state, batch }).filter(([, value]) => value !== undefined);
  return `?${new URLSearchParams(named as [string, string][])}`;
}

/** Whether a text may be the id of a workspace. */
export function isWorkspace(text: string): boolean {
  return WORKSPACE.test(text);
}

function matching(text: string | null, form: RegExp): string | undefined {
  return text !== null && form.test(text) ? text : undefined;
}
