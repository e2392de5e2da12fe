import { useEffect } from "preact/hooks";
import type { Client, ViewState } from "../../../client/src/index.ts";
import type { Access } from "../access.ts";
import type { Dashboard } from "../declared.ts";
import { useReadable } from "../hooks.ts";
import { DEFAULT_DAYS } from "../period.ts";
import { useView } from "../use-client.ts";
import { useDeclarations } from "../use-declarations.ts";
import type { Beat } from "./beat.ts";
import { liveOf } from "./live.ts";
import { OPERATIONS } from "./model.ts";

export const OPERATIONS_DAYS = 7;

export interface Live {
  /** The operator's dashboard, as far as it is there. */
  dashboard: Dashboard | undefined;
  view: ViewState | undefined;
  timezone: string | undefined;
}

/**
 * The live protocol: the operator's dashboard, which moves with whatever the pipeline does; of another workspace a
 * dashboard that shows insights. Each of its news is a beat.
 */
export function useLive(url: string, access: Access, client: Client | undefined, beat: Beat): Live {
  const isOperator = access.workspace === OPERATIONS;
  const connection = useReadable(client?.connection);
  const { declarations } = useDeclarations(url, access, connection?.status === "open");
  const dashboard = liveOf(declarations?.dashboards ?? [], isOperator);
  const days = isOperator ? OPERATIONS_DAYS : DEFAULT_DAYS;
  const name = dashboard?.name;
  const view = useView(client, isOperator ? name : undefined, days);
  useEffect(() => {
    if (!client || !name) return;
    const live = client.view({ dashboard: name, days });
    let known: number | undefined;
    const stop = live.subscribe(({ position, changed }) => {
      const isNews = known !== undefined && position?.seq !== known && (isOperator || changed.includes("insights"));
      known = position?.seq;
      if (isNews) beat.strike();
    });
    return () => {
      stop();
      live.close();
    };
  }, [client, name, days, isOperator, beat]);
  return { dashboard, view, timezone: declarations?.timezone };
}
