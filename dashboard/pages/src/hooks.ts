/** The small hooks that more than one component needs. */

import { useEffect, useReducer, useState } from "preact/hooks";
import type { Readable } from "../../client/src/index.ts";

/** The value of a readable, followed; undefined until there is one. */
export function useReadable<T>(readable: Readable<T> | undefined): T | undefined {
  const [, changed] = useReducer((count: number) => count + 1, 0);
  useEffect(() => readable?.subscribe(() => changed(undefined)), [readable]);
  return readable?.get();
}

/** The time in ms, anew each second; a page that nobody sees does not tick. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

export function useOnline(): boolean {
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const update = () => setOnline(navigator.onLine);
    return listen(window, { online: update, offline: update });
  }, []);
  return isOnline;
}

/** Add listeners; what is returned takes them away. */
export function listen(target: EventTarget, listeners: Record<string, (event: Event) => void>): () => void {
  for (const [type, listener] of Object.entries(listeners)) target.addEventListener(type, listener);
  return () => {
    for (const [type, listener] of Object.entries(listeners)) target.removeEventListener(type, listener);
  };
}
