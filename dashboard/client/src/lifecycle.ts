import { type Environment, newId } from "./environment.ts";
import { LAZY_MS } from "./timing.ts";
import { keyOf, type View } from "./wire.ts";

/** The ten events of a viewer's life; recorded as `analytics_<type>`. The page records those that only it knows. */
export type LifecycleType =
  | "bootstrap"
  | "ws_subscribe"
  | "header_reconcile"
  | "overview_hydrate"
  | "prefetch_tabs"
  | "delta_apply"
  | "filter_change"
  | "tab_switch"
  | "export_initiated"
  | "idle_sync";

export interface Lifecycle {
  /** Record one event: with `connection` (made here), `sequence` (1, 2, … in it) and, of a view, `dashboard` and `days`. */
  record(type: LifecycleType, properties?: object, view?: View): void;
  /** Count a delta; recorded every 30 s, with `count`. */
  applied(view: View): void;
  /** A new connection: `sequence` starts again. */
  connected(): void;
  /** Record what is still only counted. */
  flush(): void;
}

/** Records through `track(type, properties, session_id)`. */
export function createLifecycle(
  env: Environment,
  track: (type: string, properties: object, connection: string) => void,
): Lifecycle {
  const counts = new Map<string, { view: View; count: number }>();
  let connection = newId(env);
  let sequence = 0;
  let timer: unknown;

  function record(type: LifecycleType, properties?: object, view?: View): void {
    // Watching this dashboard must not move it, or it would feed itself.
    if (view?.dashboard === "lifecycle") return;
    const about = view && { dashboard: view.dashboard, days: view.days };
    track(`analytics_${type}`, { connection, sequence: ++sequence, ...about, ...properties }, connection);
  }

  function flush(): void {
    env.clearTimeout(timer);
    timer = undefined;
    for (const { view, count } of counts.values()) record("delta_apply", { count }, view);
    counts.clear();
  }

  return {
    record,
    applied(view) {
      const key = keyOf(view);
      counts.set(key, { view, count: (counts.get(key)?.count ?? 0) + 1 });
      timer ??= env.setTimeout(flush, LAZY_MS);
    },
    connected() {
      flush();
      connection = newId(env);
      sequence = 0;
    },
    flush,
  };
}
