/** Single keys that choose. */

import { useEffect, useRef } from "preact/hooks";
import { listen } from "./hooks.ts";

/** What the key of an event does; undefined leaves the event to the browser. */
export type Actions = Readonly<Record<string, (() => void) | undefined>>;

/** Run `actions` by key while `isOn`; never while someone types, and never with a modifier that the browser uses. */
export function useShortcuts(actions: Actions, isOn: boolean): void {
  const current = useRef(actions);
  current.current = actions;
  useEffect(() => {
    if (!isOn) return;
    return listen(document, {
      keydown: (raw) => {
        const event = raw as KeyboardEvent;
        if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isBusy(event.target)) return;
        const action = current.current[event.key];
        if (!action) return;
        event.preventDefault();
        action();
      },
    });
  }, [isOn]);
}

function isBusy(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]")) return true;
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}
