import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Chart } from "../board.ts";
import { formatDay } from "../dates.ts";
import { format } from "../format.ts";
import { type Crosshair, Plot } from "../plot.ts";
import { isBars, timeOf } from "../plot-data.ts";
import { ChartTable } from "./chart-table.tsx";
import { Icon } from "./icons.tsx";

interface Props {
  chart: Chart;
  timezone: string | undefined;
  scheme: "light" | "dark";
}

/** A chart, which can be read as a table as well. */
export function ChartCard({ chart, timezone, scheme }: Props): JSX.Element {
  const [isTable, setTable] = useState(false);
  const titleId = `chart-${chart.name}-title`;
  return (
    <article class="card chart-card" data-testid={`chart-${chart.name}`} aria-labelledby={titleId}>
      <header>
        <h3 id={titleId} title={chart.about}>
          {chart.title}
        </h3>
        {chart.before.length > 0 && !isTable && !isBars(chart) && <Legend chart={chart} />}
        <button
          type="button"
          class="quiet"
          aria-pressed={isTable}
          aria-label={`${chart.title} as a table`}
          title={isTable ? "Show as chart" : "Show as table"}
          onClick={() => setTable(!isTable)}
        >
          <Icon name={isTable ? "chart" : "table"} />
        </button>
      </header>
      {isTable ? (
        <ChartTable chart={chart} timezone={timezone} />
      ) : (
        <Canvas chart={chart} timezone={timezone} scheme={scheme} />
      )}
    </article>
  );
}

function Legend({ chart }: { chart: Chart }): JSX.Element {
  const [first, last] = [chart.before[0], chart.before.at(-1)];
  return (
    <p class="legend">
      <span class="key before" aria-hidden="true" />
      {first && last && `${formatDay(first.key)} – ${formatDay(last.key)}`}
    </p>
  );
}

/**
 * The drawing. A keyboard walks along its points like along a slider, and a screen reader says what the crosshair shows.
 */
function Canvas({ chart, timezone, scheme }: Props): JSX.Element {
  const node = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | undefined>(undefined);
  const [crosshair, setCrosshair] = useState<Crosshair>();
  const { points, unit } = chart;

  // Made anew only where drawing again is not enough: new data goes through update.
  useEffect(() => {
    if (!node.current) return;
    const made = new Plot(node.current, chart, timezone, setCrosshair);
    plot.current = made;
    const observer = new ResizeObserver(() => made.resize(made.node.clientWidth));
    observer.observe(node.current);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [scheme, timezone, unit, isBars(chart)]);
  useEffect(() => plot.current?.update(chart), [chart]);

  const last = points.length - 1;
  const onKeyDown = (event: KeyboardEvent) => {
    const to = step(event.key, crosshair?.index, last);
    if (to === undefined) return;
    event.preventDefault();
    plot.current?.point(to < 0 ? undefined : to);
  };
  return (
    <div class="plot-frame">
      <div
        class="plot"
        ref={node}
        role="slider"
        tabIndex={0}
        aria-label={`${chart.title}, point by point`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={crosshair?.index ?? Math.max(0, last)}
        aria-valuetext={spoken(chart, crosshair?.index ?? last, timezone)}
        onKeyDown={onKeyDown}
        onBlur={() => plot.current?.point(undefined)}
      />
      {points.every(({ value }) => value === 0) && <p class="none over">Nothing in this period</p>}
      {crosshair && (
        <Tooltip chart={chart} crosshair={crosshair} timezone={timezone} width={node.current?.clientWidth ?? 0} />
      )}
    </div>
  );
}

function Tooltip({ chart, crosshair, timezone, width }: TooltipProps): JSX.Element | null {
  const { grain, points, before } = chart;
  const [point, earlier] = [points[crosshair.index], before[crosshair.index]];
  if (!point) return null;
  const isRight = crosshair.left > width / 2;
  return (
    <div
      class={`tooltip ${isRight ? "to-left" : "to-right"}`}
      style={{ left: `${crosshair.left}px` }}
      aria-hidden="true"
    >
      <p>{timeOf(point, grain, timezone, true)}</p>
      <p class="now">
        <span class="key" />
        <b>{format(point.value, chart)}</b>
      </p>
      {earlier && (
        <p class="then">
          <span class="key before" />
          {format(earlier.value, chart)} <span>{formatDay(earlier.key, true)}</span>
        </p>
      )}
    </div>
  );
}

interface TooltipProps {
  chart: Chart;
  crosshair: Crosshair;
  timezone: string | undefined;
  width: number;
}

function spoken(chart: Chart, index: number, timezone: string | undefined): string {
  const point = chart.points[index];
  if (!point) return "No data";
  const earlier = chart.before[index];
  const now = `${timeOf(point, chart.grain, timezone, true)}: ${format(point.value, chart)}`;
  return earlier ? `${now}; ${formatDay(earlier.key)}: ${format(earlier.value, chart)}` : now;
}

/** Where a key leads from `at`: -1 away from all points, undefined for keys that mean nothing here. */
function step(key: string, at: number | undefined, last: number): number | undefined {
  const within = (to: number) => Math.min(last, Math.max(0, to));
  switch (key) {
    case "ArrowLeft":
    case "ArrowDown":
      return within((at ?? last + 1) - 1);
    case "ArrowRight":
    case "ArrowUp":
      return within((at ?? -1) + 1);
    case "PageDown":
      return within((at ?? last) - 7);
    case "PageUp":
      return within((at ?? 0) + 7);
    case "Home":
      return within(0);
    case "End":
      return last;
    case "Escape":
      return -1;
    default:
      return undefined;
  }
}
