import { useEffect, useMemo } from "preact/hooks";
import type { Client } from "../../client/src/index.ts";
import { type Network, neighbours, Speculation } from "./speculation.ts";
import { tab } from "./store.ts";

const SETTLED_MS = 2000;
const IDLE_TIMEOUT_MS = 3000;

/** Fetching ahead for a place; once `isLive`, and the browser has nothing else to do, its neighbours. */
export function useSpeculation(
  client: Client | undefined,
  workspace: string,
  dashboard: string | undefined,
  days: number,
  names: readonly string[],
  isLive: boolean,
): Speculation | undefined {
  const speculation = useMemo(
    () => (client ? new Speculation(client, networkOf, { store: tab, name: `fetched.${workspace}` }) : undefined),
    [client, workspace],
  );
  const known = names.join();
  useEffect(() => {
    if (!speculation || !dashboard || !isLive) return;
    const cancel = whenIdle(
      () => void speculation.fetch(neighbours({ dashboard, days }, known ? known.split(",") : [])),
    );
    return () => {
      cancel();
      speculation.stop();
    };
  }, [speculation, dashboard, days, known, isLive]);
  return speculation;
}

function networkOf(): Network | undefined {
  return (navigator as Navigator & { connection?: Network }).connection;
}

/** When the browser has had nothing to do for a while. Safari has no requestIdleCallback. */
function whenIdle(act: () => void): () => void {
  let handle = 0;
  const timer = setTimeout(() => {
    if (typeof requestIdleCallback !== "function") return act();
    handle = requestIdleCallback(act, { timeout: IDLE_TIMEOUT_MS });
  }, SETTLED_MS);
  return () => {
    clearTimeout(timer);
    if (handle) cancelIdleCallback(handle);
  };
}
