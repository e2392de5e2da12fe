// A series as inline SVG, in pixels: days as a line over an area, hours as bars.

import { format, formatPoint, formatShort } from "./format.js";

const HEIGHT = 210, TOP = 10, BOTTOM = 24, LEFT = 44;

function svg(tag, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

/** Round axis steps of 1, 2 or 5 times a power of ten, about four of them. */
function ticks(highest) {
  const rough = Math.max(highest, 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  return Array.from({ length: Math.ceil(highest / step - 1e-9) + 1 }, (_, index) => index * step);
}

export class Chart {
  #series; #unit; #title; #points = []; #marks = []; #pointer = null; #tip = document.createElement("div");

  constructor() {
    this.node = document.createElement("div");
    this.node.className = "chart";
    this.#tip.className = "tip";
    this.#tip.hidden = true;
    this.node.addEventListener("pointermove", (event) => this.#point(event));
    this.node.addEventListener("pointerleave", () => this.#point(null));
    new ResizeObserver(() => this.#series && this.#draw()).observe(this.node);
  }

  update(series, unit, title) {
    if (series === this.#series) return;
    this.#series = series;
    this.#unit = unit;
    this.#title = title;
    this.#draw();
  }

  #draw() {
    const width = this.node.clientWidth;
    if (!width) return;
    const points = Object.entries(this.#series.points).map(([key, point]) => ({ key, ...point }));
    this.#points = points.sort((a, b) => a.order - b.order);
    const highest = Math.max(0, ...points.map((point) => point.value));
    const scale = highest > 0 ? ticks(highest) : [0, 1];
    const y = (value) => HEIGHT - BOTTOM - (Math.max(0, value) / scale.at(-1)) * (HEIGHT - BOTTOM - TOP);
    const step = (width - LEFT - 8) / Math.max(1, points.length);
    const x = (index) => LEFT + (index + 0.5) * step;
    const box = svg("svg", { width, height: HEIGHT, role: "img", "aria-label": this.#summary(points, highest) });
    for (const value of scale) {
      box.append(svg("line", { class: "grid", x1: LEFT, x2: width, y1: y(value), y2: y(value) }));
      if (highest) box.append(svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, formatShort(value, this.#unit)));
    }
    const every = Math.ceil(60 / step);
    points.forEach(({ key }, index) => {
      if ((points.length - 1 - index) % every === 0 && x(index) > LEFT + 14)
        box.append(svg("text", { x: Math.min(x(index), width - 22), y: HEIGHT - 6, "text-anchor": "middle" }, formatPoint(key, this.#series.grain)));
    });
    this.#marks = this.#series.grain === "day" ? this.#area(box, points, x, y) : this.#bars(box, points, x, y, step);
    this.node.replaceChildren(box, this.#tip);
    if (!highest) this.node.append(Object.assign(document.createElement("p"), { className: "none", textContent: "No data yet" }));
    this.#point(this.#pointer);
  }

  #area(box, points, x, y) {
    const line = points.map(({ value }, index) => `${x(index).toFixed(1)} ${y(value).toFixed(1)}`);
    if (line.length > 1) {
      const isOpen = points.at(-1).order + 86400 > Date.now() / 1000; // today is not over: its part is dashed
      const settled = isOpen ? line.slice(0, -1) : line;
      box.append(svg("path", { class: "area", d: `M${line.join("L")}L${x(points.length - 1)} ${y(0)}L${x(0)} ${y(0)}Z` }));
      box.append(svg("path", { class: "line", d: `M${settled.join("L")}` }));
      if (isOpen) box.append(svg("path", { class: "line open", d: `M${line.slice(-2).join("L")}` }));
    }
    return points.map(({ value }, index) => {
      const dot = svg("circle", { class: "dot", cx: x(index), cy: y(value), r: 4 });
      dot.classList.toggle("last", index === points.length - 1);
      box.append(dot);
      return dot;
    });
  }

  #bars(box, points, x, y, step) {
    const width = Math.max(1, Math.min(28, step * 0.72));
    return points.map(({ value }, index) => {
      const height = value > 0 ? Math.max(1.5, y(0) - y(value)) : 0;
      const bar = svg("rect", { class: "bar", x: x(index) - width / 2, y: y(0) - height, width, height, rx: Math.min(3, width / 3) });
      box.append(bar);
      return bar;
    });
  }

  #summary(points, highest) {
    if (!highest) return `${this.#title}: no data yet`;
    const last = points.at(-1);
    const of = (value) => format(value, this.#unit);
    return `${this.#title}: ${points.length} points, highest ${of(highest)}, latest ${of(last.value)} (${formatPoint(last.key, this.#series.grain, true)})`;
  }

  /** Tell the value under the pointer; null when it left. */
  #point(event) {
    this.#pointer = event;
    const width = this.node.clientWidth;
    const left = event ? event.clientX - this.node.getBoundingClientRect().left - LEFT : -1;
    const index = Math.floor((left / (width - LEFT - 8)) * this.#points.length);
    const point = left >= 0 ? this.#points[index] : undefined;
    this.#marks.forEach((mark, at) => mark.classList.toggle("on", Boolean(point) && at === index));
    this.#tip.hidden = !point;
    if (!point) return;
    this.#tip.replaceChildren(
      Object.assign(document.createElement("b"), { textContent: format(point.value, this.#unit) }),
      formatPoint(point.key, this.#series.grain, true),
    );
    const center = LEFT + (index + 0.5) * ((width - LEFT - 8) / this.#points.length);
    this.#tip.style.left = `${Math.min(Math.max(center, 50), width - 50)}px`;
  }
}
