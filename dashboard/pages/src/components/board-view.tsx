import type { JSX } from "preact";
import type { ViewState } from "../../../client/src/index.ts";
import { type Board, isEmpty } from "../board.ts";
import { ChartCard } from "./chart-card.tsx";
import { InsightsCard } from "./insights-card.tsx";
import { Kpis } from "./kpis.tsx";
import { EmptyNotice } from "./notices.tsx";
import { Tabs } from "./tabs.tsx";

interface Props {
  board: Board;
  view: ViewState;
  url: string;
  days: number;
  tab: string | undefined;
  timezone: string | undefined;
  scheme: "light" | "dark";
  chooseTab: (name: string) => void;
  /** Look at a longer period, if there is one. */
  widen: (() => void) | undefined;
}

/** The numbers, and how far they may be trusted. */
export function BoardView({ board, view, url, days, tab, timezone, scheme, chooseTab, widen }: Props): JSX.Element {
  const { position } = view;
  return (
    <div
      class="board"
      data-testid="board"
      data-exact={String(view.exact)}
      data-position={position ? `${position.epoch}:${position.seq}` : ""}
    >
      {isEmpty(board) && <EmptyNotice url={url} days={days} widen={widen} />}
      <Kpis kpis={board.kpis} days={days} />
      {board.charts.length > 0 && (
        <section aria-labelledby="charts-title">
          <h2 id="charts-title" class="hidden">
            Charts
          </h2>
          <div class="charts" data-count={board.charts.length}>
            {board.charts.map((chart) => (
              <ChartCard
                key={`${view.view.dashboard}.${chart.name}`}
                chart={chart}
                timezone={timezone}
                scheme={scheme}
              />
            ))}
          </div>
        </section>
      )}
      {board.insights && <InsightsCard insights={board.insights} timezone={timezone} />}
      <Tabs tabs={board.tabs} open={tab} days={days} choose={chooseTab} />
    </div>
  );
}
