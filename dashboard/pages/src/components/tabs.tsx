import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Entry, Tab } from "../board.ts";
import { ChangeLine, Value } from "./kpis.tsx";
import { TopList } from "./top-list.tsx";

interface Props {
  tabs: readonly Tab[];
  /** The name of the open tab. */
  open: string | undefined;
  days: number;
  choose: (name: string) => void;
}

/** Tabs with one stop for the Tab key; arrows, Home and End go among them (WAI-ARIA Authoring Practices, "Tabs"). */
export function Tabs({ tabs, open, days, choose }: Props): JSX.Element | null {
  const list = useRef<HTMLDivElement>(null);
  const current = tabs.find(({ name }) => name === open) ?? tabs[0];
  const name = current?.name;
  useEffect(() => {
    // On a phone the tabs scroll: bring the open one into sight, without moving the page.
    const tab = list.current?.querySelector<HTMLElement>(`#tab-${name}`);
    if (list.current && tab)
      list.current.scrollLeft = tab.offsetLeft - (list.current.clientWidth - tab.offsetWidth) / 2;
  }, [name]);
  if (!current) return null;
  const onKeyDown = (event: KeyboardEvent) => {
    const to = stepTo(event.key, tabs.indexOf(current), tabs.length);
    const next = to === undefined ? undefined : tabs[to];
    if (!next) return;
    event.preventDefault();
    choose(next.name);
    list.current?.querySelector<HTMLElement>(`#tab-${next.name}`)?.focus();
  };
  return (
    <section class="card details" aria-labelledby="details-title">
      <h2 id="details-title" class="hidden">
        Details
      </h2>
      <div class="tabs" role="tablist" aria-labelledby="details-title" ref={list} onKeyDown={onKeyDown}>
        {tabs.map(({ name, title }) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            data-testid={`tab-${name}`}
            aria-selected={name === current.name}
            aria-controls="panel"
            tabIndex={name === current.name ? 0 : -1}
            onClick={() => choose(name)}
          >
            {title}
          </button>
        ))}
      </div>
      <div
        class="panel"
        id="panel"
        role="tabpanel"
        aria-labelledby={`tab-${current.name}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a panel without a control must be reachable from its tab
        tabIndex={0}
        data-testid="panel"
      >
        {current.entries.map((entry) => (
          <EntryCard
            key={`${current.name}.${entry.name}`}
            entry={entry}
            days={days}
            id={`top-${current.name}-${entry.name}`}
          />
        ))}
      </div>
    </section>
  );
}

function EntryCard({ entry, days, id }: { entry: Entry; days: number; id: string }): JSX.Element {
  return (
    <article class={`entry ${entry.kind}`} data-testid={`entry-${entry.name}`}>
      <h3 title={entry.about}>{entry.title}</h3>
      {entry.kind === "top" ? (
        <TopList list={entry} id={id} />
      ) : (
        <>
          <Value figure={entry} class="entry-value" />
          <ChangeLine figure={entry} days={days} />
        </>
      )}
    </article>
  );
}

/** The tab that a key leads to from `at`, around the ends; undefined for other keys. */
function stepTo(key: string, at: number, count: number): number | undefined {
  switch (key) {
    case "ArrowRight":
      return (at + 1) % count;
    case "ArrowLeft":
      return (at + count - 1) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}
