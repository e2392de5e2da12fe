import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { countRows, csvOf, fileName } from "../csv.ts";
import { formatRange } from "../dates.ts";
import { download } from "../download.ts";
import { firstDay, PERIODS } from "../period.ts";
import { keepShortcuts, readShortcuts } from "../preferences.ts";
import { isRefusal } from "../problem.ts";
import { type Actions, useShortcuts } from "../shortcuts.ts";
import { useToasts } from "../toasts.ts";
import { useBoard } from "../use-board.ts";
import { useClient } from "../use-client.ts";
import { useHydration } from "../use-lifecycle.ts";
import { usePlace } from "../use-place.ts";
import { useSpeculation } from "../use-speculation.ts";
import { BoardHelp } from "./board-help.tsx";
import { BoardView } from "./board-view.tsx";
import { ConnectionNotice, ProblemNotice } from "./notices.tsx";
import type { PageProps } from "./root.tsx";
import { SignIn } from "./sign-in.tsx";
import { Skeleton } from "./skeleton.tsx";
import { Status } from "./status.tsx";
import { Toasts } from "./toasts.tsx";
import { type Choice, Toolbar } from "./toolbar.tsx";
import { TopBar } from "./top-bar.tsx";

/** A workspace's dashboards: what is chosen, what is shown of it, and everything that acts on it. */
export function Workspace({ url, access, theme, enter, leave }: PageProps): JSX.Element {
  const { workspace } = access;
  const [place, go] = usePlace();
  const client = useClient(url, access);
  const { declarations, name, dashboard, view, board, today, problem } = useBoard(url, access, client, place);
  const { toasts, tell, dismiss } = useToasts();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const [hasShortcuts, setShortcuts] = useState(readShortcuts);
  const dashboards = declarations?.dashboards ?? [];
  const names = dashboards.map((declared) => declared.name);
  const speculation = useSpeculation(client, workspace, name, place.days, names, view?.status === "live");
  useHydration(client, name, place.days, view);
  const title = dashboard?.title ?? name ?? "";
  useEffect(() => {
    document.title = [title, workspace, "Tidemark"].filter(Boolean).join(" · ");
  }, [title, workspace]);

  const choose = ({ dashboard: chosen, days }: Choice) => {
    if (chosen === name && days === place.days) return;
    speculation?.stop();
    client?.lifecycle("filter_change", { dashboard: chosen, days, from_dashboard: name, from_days: place.days });
    go({ dashboard: chosen, days, ...(chosen !== name && { tab: undefined }) });
  };
  const chooseTab = (tab: string) => {
    client?.lifecycle("tab_switch", { dashboard: name, days: place.days, tab });
    go({ tab }, "replace");
  };
  const exportCsv = () => {
    if (!board || !name) return;
    const rows = countRows(board);
    download(fileName(workspace, name, place.days, today), csvOf(board));
    client?.lifecycle("export_initiated", { dashboard: name, days: place.days, count: rows });
    tell(`Exported ${rows} rows of ${title}`, "success");
  };
  const moveTab = (by: number) => {
    const tabs = board?.tabs ?? [];
    const at = Math.max(
      0,
      tabs.findIndex((tab) => tab.name === place.tab),
    );
    const next = tabs[(at + by + tabs.length) % tabs.length];
    if (next) chooseTab(next.name);
  };
  const actions: Actions = {
    ...Object.fromEntries(
      names
        .slice(0, 9)
        .map((chosen, index) => [String(index + 1), () => choose({ dashboard: chosen, days: place.days })]),
    ),
    ...Object.fromEntries(PERIODS.map(({ key, days }) => [key, () => name && choose({ dashboard: name, days })])),
    "[": () => moveTab(-1),
    "]": () => moveTab(1),
    e: exportCsv,
    c: theme.next,
  };
  useShortcuts(actions, hasShortcuts);
  useShortcuts({ "?": () => setHelpOpen(true) }, true);

  const known = names.includes(name ?? "") || !name ? dashboards : [...dashboards, { name, title: name }];
  return (
    <>
      <a class="skip" href="#board">
        Skip to the numbers
      </a>
      <TopBar
        workspace={workspace}
        theme={theme.theme}
        nextTheme={theme.next}
        help={() => setHelpOpen(true)}
        leave={leave}
      >
        <Status client={client} view={view} problem={problem} workspace={workspace} />
      </TopBar>
      <main id="board" tabIndex={-1}>
        <h1 class="hidden">
          {title || "Dashboard"}, {workspace}
        </h1>
        <Toolbar
          dashboards={known}
          chosen={{ dashboard: name ?? "", days: place.days }}
          range={formatRange(firstDay(place.days, today), today)}
          canExport={board !== undefined}
          choose={choose}
          exportCsv={exportCsv}
          rest={(ahead) => speculation?.rest(ahead)}
          unrest={() => speculation?.leave()}
        />
        {problem && (
          <ProblemNotice problem={problem} workspace={workspace}>
            {isRefusal(problem) && <SignIn workspace={workspace} takes="read" enter={enter} />}
          </ProblemNotice>
        )}
        <ConnectionNotice client={client} view={view} />
        {board && view ? (
          <BoardView
            board={board}
            view={view}
            url={url}
            days={place.days}
            tab={place.tab}
            timezone={declarations?.timezone}
            scheme={theme.scheme}
            chooseTab={chooseTab}
            widen={place.days < 365 && name ? () => choose({ dashboard: name, days: 365 }) : undefined}
          />
        ) : (
          !problem && <Skeleton dashboard={dashboard} />
        )}
      </main>
      <footer class="footer">
        <p>{declarations ? `Days and hours of ${declarations.timezone}` : ""}</p>
        <p>
          Tidemark · <a href={`${url}/docs`}>API</a>
        </p>
      </footer>
      <BoardHelp
        isOpen={isHelpOpen}
        close={() => setHelpOpen(false)}
        hasShortcuts={hasShortcuts}
        setShortcuts={(isOn) => {
          setShortcuts(isOn);
          keepShortcuts(isOn);
        }}
      />
      <Toasts toasts={toasts} dismiss={dismiss} />
    </>
  );
}
