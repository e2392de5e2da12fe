import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { boardOf } from "../../board.ts";
import { ChartCard } from "../../components/chart-card.tsx";
import { Kpis } from "../../components/kpis.tsx";
import { searchOf } from "../../url-state.ts";
import { type Live, OPERATIONS_DAYS } from "../use-live.ts";

interface Props {
  url: string;
  live: Live;
  scheme: "light" | "dark";
}

/** The operator's dashboard of the system's own events, live and exact as every dashboard; the whole of it is a click away. */
export function Operations({ url, live: { dashboard, view, timezone }, scheme }: Props): JSX.Element | null {
  const sections = view?.sections;
  const board = useMemo(() => (sections ? boardOf(dashboard, sections) : undefined), [dashboard, sections]);
  if (!board || !dashboard) return null;
  const whole = searchOf({ dashboard: dashboard.name, days: OPERATIONS_DAYS, tab: undefined });
  return (
    <section class="operations" aria-labelledby="operations-title" data-testid="operations">
      <header class="head">
        <h2 id="operations-title" class="operations-title">
          {dashboard.title}, last {OPERATIONS_DAYS} days
        </h2>
        <a href={`${url}/dashboard${whole}`} class="head-link">
          All of it
        </a>
      </header>
      <Kpis kpis={board.kpis} days={OPERATIONS_DAYS} />
      <div class="charts" data-count={board.charts.length}>
        {board.charts.map((chart) => (
          <ChartCard key={chart.name} chart={chart} timezone={timezone} scheme={scheme} />
        ))}
      </div>
    </section>
  );
}
