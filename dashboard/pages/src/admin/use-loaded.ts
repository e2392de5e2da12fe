import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { listen } from "../hooks.ts";
import type { Problem } from "../problem.ts";
import type { Beat } from "./beat.ts";
import { Refresh } from "./refresh.ts";

export interface Loaded<T> {
  data: T | undefined;
  /** Why the last load failed; what was there before stays. */
  problem: Problem | undefined;
}

/**
 * What `load` brings, loaded anew at every beat, when the page is seen again, and so often. Another `key` is something else:
 * it starts empty, and what was under way for the one before is aborted.
 */
export function useLoaded<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  beat: Beat,
  everyMs?: number,
): Loaded<T> {
  const [shown, setShown] = useState<Loaded<T> & { key: string }>();
  const current = useRef(load);
  current.current = load;
  const begin = useCallback(
    () =>
      new Refresh<T>({
        load: (signal) => current.current(signal),
        told: (outcome) =>
          setShown((before) => {
            if ("data" in outcome) return { key, data: outcome.data, problem: undefined };
            return { key, data: before?.key === key ? before.data : undefined, problem: outcome.problem };
          }),
        ...(everyMs !== undefined && { everyMs }),
        isSeen: () => !document.hidden,
      }),
    [key, everyMs],
  );
  useEffect(() => {
    const refresh = begin();
    const nudge = () => refresh.nudge();
    const ends = [
      beat.subscribe(nudge),
      listen(document, { visibilitychange: nudge }),
      listen(window, { online: nudge }),
    ];
    return () => {
      for (const end of ends) end();
      refresh.stop();
    };
  }, [begin, beat]);
  return shown?.key === key ? shown : { data: undefined, problem: undefined };
}
