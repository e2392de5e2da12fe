import type { AdminApi } from "./api.ts";
import type { Beat } from "./beat.ts";
import type { Visit } from "./use-admin-place.ts";
import type { Do } from "./use-deeds.ts";

/** What every part of the admin page works with. */
export interface Admin {
  api: AdminApi;
  beat: Beat;
  /** The operator sees all workspaces, or the one that is chosen. */
  isOperator: boolean;
  /** The one that the operator has chosen; undefined for all, and where there is none to choose. */
  workspace: string | undefined;
  visit: Visit;
  ask: Do;
  isBusy: boolean;
}
