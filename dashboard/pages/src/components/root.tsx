import type { ComponentType, JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { type Access, forgetAccess, hasToken, keepAccess, type Role, takeAccess } from "../access.ts";
import { listen } from "../hooks.ts";
import { forgetWorkspace } from "../memory.ts";
import { tab } from "../store.ts";
import { type ThemeChoice, useTheme } from "../use-theme.ts";
import { Welcome } from "./welcome.tsx";

/** What a page is given to show a workspace with. */
export interface PageProps {
  url: string;
  access: Access;
  theme: ThemeChoice;
  enter: (access: Access) => void;
  leave: () => void;
}

interface Props {
  url: string;
  /** Of the tokens that it asks for. */
  takes: Role;
  Page: ComponentType<PageProps>;
}

/** A page of a workspace, or the question for a token. */
export function Root({ url, takes, Page }: Props): JSX.Element {
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
  if (!access) return <Welcome takes={takes} enter={enter} />;
  return <Page key={access.workspace} url={url} access={access} theme={theme} enter={enter} leave={leave} />;
}
