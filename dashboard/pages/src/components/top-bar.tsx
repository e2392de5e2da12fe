import type { ComponentChildren, JSX } from "preact";
import type { Theme } from "../preferences.ts";
import { Icon, Logo } from "./icons.tsx";

interface Props {
  workspace: string;
  theme: Theme;
  nextTheme: () => void;
  help: () => void;
  leave: () => void;
  /** The state of the page. */
  children: ComponentChildren;
}

export function TopBar({ workspace, theme, nextTheme, help, leave, children }: Props): JSX.Element {
  return (
    <header class="top-bar">
      <p class="brand">
        <Logo />
        <span class="brand-name">Tidemark</span>
        <span class="workspace" title="Workspace">
          {workspace}
        </span>
      </p>
      {children}
      <div class="tools">
        <button
          type="button"
          class="quiet"
          onClick={nextTheme}
          aria-label={`Theme: ${theme}`}
          title={`Theme: ${theme}`}
          data-testid="theme"
        >
          <Icon name={theme} />
        </button>
        <button
          type="button"
          class="quiet"
          onClick={help}
          aria-label="Help and keyboard shortcuts"
          title="Help (?)"
          data-testid="help"
        >
          <Icon name="help" />
        </button>
        <button
          type="button"
          class="quiet"
          onClick={leave}
          aria-label="Forget the token and leave"
          title="Forget the token"
          data-testid="leave"
        >
          <Icon name="leave" />
        </button>
      </div>
    </header>
  );
}
