import { useEffect, useRef } from "preact/hooks";
import type { Client, ViewState } from "../../client/src/index.ts";

/** Record once a place how long it took from its choice to its first numbers, and where they came from. */
export function useHydration(
  client: Client | undefined,
  dashboard: string | undefined,
  days: number,
  view: ViewState | undefined,
): void {
  const chosenAt = useRef(0);
  const recorded = useRef<string | undefined>(undefined);
  const place = `${dashboard}:${days}`;
  useEffect(() => {
    chosenAt.current = performance.now();
  }, [place]);
  const status = view?.sections ? view.status : undefined;
  useEffect(() => {
    if (!client || !status || recorded.current === place) return;
    recorded.current = place;
    const duration_ms = Math.round(performance.now() - chosenAt.current);
    client.lifecycle("overview_hydrate", { dashboard, days, duration_ms, source: status });
  }, [client, place, dashboard, days, status]);
}
