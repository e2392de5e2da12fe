import { useCallback, useEffect, useState } from "preact/hooks";
import { listen } from "../hooks.ts";
import { type AdminPlace, adminPlaceOf, adminSearchOf } from "./place.ts";

export type To = Partial<AdminPlace> & Pick<AdminPlace, "section">;
export type Visit = (place: To) => void;

/** The place that the address names, and how to go to another; each makes an entry in the history. */
export function useAdminPlace(): [AdminPlace, Visit] {
  const [place, setPlace] = useState(() => adminPlaceOf(location.search));
  useEffect(() => listen(window, { popstate: () => setPlace(adminPlaceOf(location.search)) }), []);
  const visit = useCallback<Visit>((to) => {
    history.pushState(null, "", location.pathname + adminSearchOf(to));
    setPlace(adminPlaceOf(location.search));
  }, []);
  return [place, visit];
}
