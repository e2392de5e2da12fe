import { useMemo } from "preact/hooks";
import type { Client, ViewState } from "../../client/src/index.ts";
import type { Access } from "./access.ts";
import { type Board, boardOf, lastDay } from "./board.ts";
import { todayIn } from "./dates.ts";
import type { Dashboard, Declarations } from "./declared.ts";
import { useReadable } from "./hooks.ts";
import { previousOf } from "./period.ts";
import { isRefusal, type Problem } from "./problem.ts";
import type { Place } from "./url-state.ts";
import { usePast, useView } from "./use-client.ts";
import { useDeclarations } from "./use-declarations.ts";
import { useRefusal } from "./use-refusal.ts";

/** Everything that the page shows of a place, as far as it is known by now. */
export interface Shown {
  declarations: Declarations | undefined;
  /** The dashboard that is shown: the one that was chosen, else the workspace's first. */
  name: string | undefined;
  dashboard: Dashboard | undefined;
  view: ViewState | undefined;
  board: Board | undefined;
  /** The last day of the window. */
  today: string;
  problem: Problem | undefined;
}

export function useBoard(url: string, access: Access, client: Client | undefined, place: Place): Shown {
  const connection = useReadable(client?.connection);
  const { declarations, problem: undeclared } = useDeclarations(url, access, connection?.status === "open");
  const name = place.dashboard ?? declarations?.dashboards[0]?.name;
  const dashboard = declarations?.dashboards.find((declared) => declared.name === name);
  const view = useView(client, name, place.days);
  const refusal = useRefusal(client);

  const today = lastDay(view?.sections) ?? todayIn(declarations?.timezone, Date.now());
  // Only once the view itself is there: what it is compared with can wait.
  const past = usePast(
    client,
    access.workspace,
    view?.sections && name ? previousOf(name, place.days, today) : undefined,
  );
  const board = useMemo(
    () => (view?.sections ? boardOf(dashboard, view.sections, past) : undefined),
    [dashboard, view?.sections, past],
  );
  const failed = view?.status === "error" ? view.error : undefined;
  const unnamed = isRefusal(undeclared) || !declarations ? undeclared : undefined;
  return { declarations, name, dashboard, view, board, today, problem: refusal ?? failed ?? unnamed };
}
