/** A chart on a canvas, by uPlot: days as a line over an area, hours as bars. */

import uPlot from "uplot";
import type { Chart } from "./board.ts";
import { formatShort } from "./format.ts";
import { isBars, labelled, type PlotData, plotData, rangeOf, steps, timeOf } from "./plot-data.ts";

export const PLOT_HEIGHT = 240;

const FONT = '11.5px system-ui, "Segoe UI", Roboto, sans-serif';
const CHARACTER_WIDTH = 6.6;
const MOST_BAR_WIDTH = 30;

/** The place that the crosshair is at, in pixels from the left of the plot. */
export interface Crosshair {
  index: number;
  left: number;
}

export class Plot {
  readonly #plot: uPlot;
  #chart: Chart;

  constructor(
    readonly node: HTMLElement,
    chart: Chart,
    private readonly timezone: string | undefined,
    moved: (crosshair: Crosshair | undefined) => void,
  ) {
    this.#chart = chart;
    const options: uPlot.Options = {
      width: node.clientWidth,
      height: PLOT_HEIGHT,
      padding: [10, 22, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 9, width: 2 } },
      scales: {
        x: { time: false, range: () => placesOf(this.#chart) },
        y: { range: (_, low, high) => rangeOf(low, high) },
      },
      axes: [this.#timeAxis(), this.#valueAxis()],
      series: seriesOf(chart, node),
      hooks: { setCursor: [(plot) => moved(crosshairOf(plot))] },
    };
    this.#plot = new uPlot(options, columns(chart), node);
  }

  update(chart: Chart): void {
    this.#chart = chart;
    this.#plot.setData(columns(chart));
  }

  resize(width: number): void {
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: PLOT_HEIGHT });
  }

  /** Put the crosshair on a point, as the pointer would; undefined takes it away. */
  point(index: number | undefined): void {
    if (index === undefined) this.#plot.setCursor({ left: -10, top: -10 });
    else this.#plot.setCursor({ left: this.#plot.valToPos(index, "x"), top: 0 });
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #timeAxis(): uPlot.Axis {
    return {
      ...axis(this.node),
      grid: { show: false },
      ticks: { show: false },
      size: 30,
      splits: (plot) => labelled(this.#chart.points.length, plot.bbox.width / devicePixelRatio),
      values: (_, places) => places.map((place) => this.#label(place)),
    };
  }

  #valueAxis(): uPlot.Axis {
    const { unit } = this.#chart;
    return {
      ...axis(this.node),
      grid: { stroke: colour(this.node, "--line"), width: 1 },
      ticks: { show: false },
      gap: 6,
      space: 34,
      incrs: steps(unit === "count" && this.#chart.points.every(({ value }) => Number.isInteger(value))),
      size: (_, labels) => Math.max(28, ...(labels ?? []).map((label) => label.length * CHARACTER_WIDTH + 12)),
      values: (_, values) => values.map((value) => formatShort(value, this.#chart)),
    };
  }

  #label(place: number): string {
    const point = this.#chart.points[place];
    return point ? timeOf(point, this.#chart.grain, this.timezone) : "";
  }
}

/** The range of the horizontal axis: bars need half a bar beside the outer ones. */
function placesOf(chart: Chart): [number, number] {
  const last = Math.max(0, chart.points.length - 1);
  return isBars(chart) ? [-0.6, last + 0.6] : [0, last];
}

function columns(chart: Chart): uPlot.AlignedData {
  const { at, settled, running, before }: PlotData = plotData(chart, Date.now());
  return isBars(chart) ? [at, settled, running] : [at, before, settled, running];
}

function seriesOf(chart: Chart, node: HTMLElement): uPlot.Series[] {
  const accent = colour(node, "--accent");
  const bars = (fill: string) => ({ stroke: fill, fill, width: 0, points: { show: false }, paths: barPaths() });
  if (isBars(chart)) return [{}, bars(colour(node, "--bar")), bars(colour(node, "--running"))];
  const line = {
    stroke: accent,
    width: 2,
    points: { show: false },
    fill: gradient(colour(node, "--area"), colour(node, "--area-end")),
  };
  const before = { stroke: colour(node, "--before"), width: 1.5, dash: [3, 4], points: { show: false } };
  return [{}, before, line, { ...line, dash: [2, 5], cap: "round" }];
}

function barPaths(): uPlot.Series.PathBuilder {
  const build = uPlot.paths.bars?.({ size: [0.72, MOST_BAR_WIDTH], radius: 0.18 });
  if (!build) throw new Error("uPlot was built without bars");
  return build;
}

/** From a colour at the top of the plot to one at its foot. */
function gradient(top: string, foot: string): (plot: uPlot) => CanvasGradient | string {
  return (plot) => {
    const { top: start, height } = plot.bbox;
    if (!Number.isFinite(start + height)) return top; // not laid out yet
    const fill = plot.ctx.createLinearGradient(0, start, 0, start + height);
    fill.addColorStop(0, top);
    fill.addColorStop(1, foot);
    return fill;
  };
}

function axis(node: HTMLElement): uPlot.Axis {
  return { font: FONT, stroke: colour(node, "--muted") };
}

function crosshairOf(plot: uPlot): Crosshair | undefined {
  const { idx, left } = plot.cursor;
  if (idx === null || idx === undefined || left === undefined || left < 0) return undefined;
  return { index: idx, left: plot.valToPos(idx, "x") + plot.over.offsetLeft };
}

/** A colour of the styles as a canvas understands it. */
function colour(node: HTMLElement, variable: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${variable})`;
  node.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
