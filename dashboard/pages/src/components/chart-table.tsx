import type { JSX } from "preact";
import type { Chart } from "../board.ts";
import { formatDay } from "../dates.ts";
import { format } from "../format.ts";
import { timeOf } from "../plot-data.ts";

/** The points of a chart, the latest first. */
export function ChartTable({ chart, timezone }: { chart: Chart; timezone: string | undefined }): JSX.Element {
  const { grain, points, before } = chart;
  const rows = points.map((point, index) => ({ point, earlier: before[index] })).reverse();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroller" tabIndex={0} aria-label={`${chart.title}, table`}>
      <table>
        <thead>
          <tr>
            <th scope="col">{grain === "day" ? "Day" : "Hour"}</th>
            <th scope="col">{chart.title}</th>
            {before.length > 0 && <th scope="col">Period before</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ point, earlier }) => (
            <tr key={point.key}>
              <th scope="row">{timeOf(point, grain, timezone, true)}</th>
              <td>{format(point.value, chart)}</td>
              {earlier && (
                <td>
                  {format(earlier.value, chart)} <span class="muted">{formatDay(earlier.key)}</span>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
