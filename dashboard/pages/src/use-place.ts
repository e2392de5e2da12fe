import { useCallback, useEffect, useState } from "preact/hooks";
import { listen } from "./hooks.ts";
import { type Place, placeOf, searchOf } from "./url-state.ts";

/** A choice that one goes back from makes an entry in the history, a lesser one changes the entry. */
export type Go = (change: Partial<Place>, how?: "push" | "replace") => void;

/** The place that the address names, and how to go elsewhere. */
export function usePlace(): [Place, Go] {
  const [place, setPlace] = useState(() => placeOf(location.search));
  useEffect(() => listen(window, { popstate: () => setPlace(placeOf(location.search)) }), []);
  const go = useCallback<Go>((change, how = "push") => {
    const next = { ...placeOf(location.search), ...change };
    const address = location.pathname + searchOf(next, location.search);
    if (how === "push") history.pushState(null, "", address);
    else history.replaceState(null, "", address);
    setPlace(next);
  }, []);
  return [place, go];
}
