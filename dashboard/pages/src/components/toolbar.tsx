import type { JSX } from "preact";
import type { View } from "../../../client/src/index.ts";
import type { Dashboard } from "../declared.ts";
import { PERIODS } from "../period.ts";
import { searchOf } from "../url-state.ts";
import { Icon } from "./icons.tsx";

export interface Choice {
  dashboard: string;
  days: number;
}

interface Props {
  dashboards: readonly Pick<Dashboard, "name" | "title">[];
  chosen: Choice;
  /** The days that are shown, in words. */
  range: string;
  canExport: boolean;
  choose: (choice: Choice) => void;
  exportCsv: () => void;
  rest: (view: View) => void;
  unrest: () => void;
}

/** Which dashboard, which days. Both are links, so that they can be copied, and go back and forth like pages. */
export function Toolbar({ dashboards, chosen, range, canExport, choose, exportCsv, rest, unrest }: Props): JSX.Element {
  const link = (choice: Choice, isCurrent: boolean) => ({
    href: searchOf({ ...choice, tab: undefined }),
    "aria-current": isCurrent ? ("true" as const) : undefined,
    onClick: (event: MouseEvent) => {
      if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      if (!isCurrent) choose(choice);
    },
    onPointerEnter: () => isCurrent || rest(choice),
    onFocus: () => isCurrent || rest(choice),
    onPointerLeave: unrest,
    onBlur: unrest,
  });
  return (
    <div class="toolbar">
      <nav class="dashboards" aria-label="Dashboards">
        {dashboards.map(({ name, title }) => (
          <a
            key={name}
            data-testid={`dashboard-${name}`}
            {...link({ ...chosen, dashboard: name }, name === chosen.dashboard)}
          >
            {title}
          </a>
        ))}
      </nav>
      <p class="range">{range}</p>
      <nav class="periods" aria-label="Period">
        {PERIODS.map(({ days, title, short }) => (
          <a key={days} data-testid={`days-${days}`} {...link({ ...chosen, days }, days === chosen.days)}>
            <span class="wide">{title}</span>
            <span class="narrow" aria-hidden="true">
              {short}
            </span>
          </a>
        ))}
      </nav>
      <button
        type="button"
        class="button"
        data-testid="export"
        disabled={!canExport}
        onClick={exportCsv}
        title="Export what is shown (e)"
      >
        <Icon name="download" size={16} />
        <span class="wide">Export</span>
        <span class="hidden"> as CSV</span>
      </button>
    </div>
  );
}
