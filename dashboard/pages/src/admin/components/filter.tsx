import type { JSX } from "preact";
import { said } from "../model.ts";
import type { AdminPlace } from "../place.ts";
import type { Visit } from "../use-admin-place.ts";
import { Go } from "./go.tsx";

interface Props {
  place: AdminPlace;
  states: readonly string[];
  visit: Visit;
  /** What is listed if no state is chosen. */
  every: string;
}

/** Which state is listed. */
export function Filter({ place, states, visit, every }: Props): JSX.Element {
  const { section, workspace, state } = place;
  return (
    <nav class="periods filter" aria-label="Filter by state">
      {[undefined, ...states].map((each) => (
        <Go
          key={each ?? "all"}
          to={{ section, workspace, state: each }}
          visit={visit}
          isCurrent={each === state}
          testId={`filter-${each ?? "all"}`}
        >
          {each ? said(each)[0] : every}
        </Go>
      ))}
    </nav>
  );
}
