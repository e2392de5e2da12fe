import type { JSX } from "preact";
import type { Dashboard } from "../declared.ts";

/** The shape of the board before its numbers, so that nothing jumps when they come. */
export function Skeleton({ dashboard }: { dashboard: Dashboard | undefined }): JSX.Element {
  const bones = (count: number, name: string) =>
    Array.from({ length: count }, (_, index) => <div key={index} class={`card bone ${name}`} />);
  return (
    <div class="skeleton" aria-busy="true" data-testid="skeleton">
      <p class="hidden">Loading</p>
      <div class="kpis">{bones(dashboard?.kpis.length ?? 5, "kpi")}</div>
      <div class="charts" data-count={dashboard?.charts.length ?? 2}>
        {bones(dashboard?.charts.length ?? 2, "chart-card")}
      </div>
      {bones(1, "details")}
    </div>
  );
}
