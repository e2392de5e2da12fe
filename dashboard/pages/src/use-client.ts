import { useEffect, useState } from "preact/hooks";
import { type Client, connect, type View, type ViewState } from "../../client/src/index.ts";
import { type Access, hasAccess } from "./access.ts";
import type { Sections } from "./board.ts";
import { keepPast, readPast } from "./memory.ts";
import { tab } from "./store.ts";

/**
 * One client for an access; a token that is pasted gets a new one, which goes on from what the old one stored. What the
 * page does is recorded among the workspace's events only where `lifecycle` says so.
 */
export function useClient(url: string, access: Access, lifecycle = true): Client | undefined {
  const [client, setClient] = useState<Client>();
  useEffect(() => {
    const { token, workspace } = access;
    const made = connect({ url, workspace, token: () => token, lifecycle });
    setClient(made);
    return () => {
      setClient(undefined);
      void made.close(!hasAccess(tab)); // who signs out leaves no numbers behind
    };
  }, [url, access, lifecycle]);
  return client;
}

/**
 * The live state of a view. When the client changes under it, what was on screen stays, marked as stale, until the new
 * one has something; another view starts empty.
 */
export function useView(
  client: Client | undefined,
  dashboard: string | undefined,
  days: number,
): ViewState | undefined {
  const [state, setState] = useState<ViewState>();
  useEffect(() => {
    if (!client || !dashboard) return;
    const live = client.view({ dashboard, days });
    const stop = live.subscribe((next) => setState((shown) => kept(shown, next)));
    return () => {
      stop();
      live.close();
    };
  }, [client, dashboard, days]);
  const isShown = state?.view.dashboard === dashboard && state?.view.days === days;
  return isShown ? (client ? state : state && asStale(state)) : undefined;
}

/** The sections of a period that is over, fetched once an hour; undefined until they are there, and where they cannot be had. */
export function usePast(
  client: Client | undefined,
  workspace: string,
  view: Required<View> | undefined,
): Sections | undefined {
  const [found, setFound] = useState<{ key: string; sections: Sections }>();
  const { dashboard, days, to } = view ?? {};
  const key = `${dashboard}|${days}|${to}`;
  useEffect(() => {
    if (!client || !dashboard || !days || !to) return;
    const past = { dashboard, days, to };
    const known = readPast(workspace, past, Date.now());
    if (known) return setFound({ key, sections: known });
    const abort = new AbortController();
    client.prefetch(past, abort.signal).then(
      ({ sections }) => {
        if (abort.signal.aborted || !sections) return;
        setFound({ key, sections });
        keepPast(workspace, past, sections, Date.now());
      },
      () => undefined, // no comparison then; the view itself says what is wrong
    );
    return () => abort.abort();
  }, [client, workspace, dashboard, days, to, key]);
  return found?.key === key ? found.sections : undefined;
}

function kept(shown: ViewState | undefined, next: ViewState): ViewState {
  const isSame = shown?.view.dashboard === next.view.dashboard && shown?.view.days === next.view.days;
  if (next.sections || !isSame || !shown?.sections) return next;
  return { ...asStale(shown), ...(next.error && { error: next.error, status: next.status }) };
}

function asStale(state: ViewState): ViewState {
  return { ...state, status: "stale", changed: [] };
}
