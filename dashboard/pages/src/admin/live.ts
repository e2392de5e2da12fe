import type { Dashboard } from "../declared.ts";
import { OPERATIONS } from "./model.ts";

/** The dashboard whose news are the pipeline's: for the operator `operations`, for others the first that shows insights. */
export function liveOf(dashboards: readonly Dashboard[], isOperator: boolean): Dashboard | undefined {
  return dashboards.find(({ name, insights }) => (isOperator ? name === OPERATIONS : insights !== undefined));
}
