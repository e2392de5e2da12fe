import type { JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { type Access, forgetAccess, hasToken, keepAccess, takeAccess } from "../access.ts";
import { listen } from "../hooks.ts";
import { forgetWorkspace } from "../memory.ts";
import { tab } from "../store.ts";
import { useTheme } from "../use-theme.ts";
import { Welcome } from "./welcome.tsx";
import { Workspace } from "./workspace.tsx";

/** The page: a workspace, or the question for a token. */
export function Root({ url }: { url: string }): JSX.Element {
  const [access, setAccess] = useState(() => takeAccess(window, tab));
  const theme = useTheme();
  const enter = useCallback((given: Access) => setAccess(keepAccess(given, tab)), []);
  const leave = useCallback(() => {
    forgetAccess(tab);
    setAccess((left) => {
      if (left) forgetWorkspace(left.workspace);
      return undefined;
    });
  }, []);
  // A link with another token, opened in this tab, changes nothing but the fragment.
  useEffect(() => {
    const enterAgain = () => hasToken(location) && setAccess((shown) => takeAccess(window, tab) ?? shown);
    return listen(window, { hashchange: enterAgain });
  }, []);
  if (!access) return <Welcome enter={enter} />;
  return <Workspace key={access.workspace} url={url} access={access} theme={theme} enter={enter} leave={leave} />;
}
