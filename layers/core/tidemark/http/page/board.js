// Draws sections into the page. Everything that comes from events goes through textContent, never through markup.

import { Chart } from "./charts.js";
import { format, prettify } from "./format.js";

const byId = (id) => document.getElementById(id);
const isStill = matchMedia("(prefers-reduced-motion: reduce)");

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  node.className = className;
  node.append(...children);
  return node;
}

/** Make the children of `parent` those of `items` ({name, …}), in order, keeping the node of a name that stays. */
const nodes = new WeakMap();
function keyed(parent, items, make, update) {
  const before = nodes.get(parent) ?? new Map();
  const after = new Map(items.map((item) => [item.name, before.get(item.name) ?? make(item)]));
  nodes.set(parent, after);
  const children = [...after.values()];
  if (children.length !== parent.childNodes.length || children.some((node, at) => node !== parent.childNodes[at]))
    parent.replaceChildren(...children);
  for (const item of items) update(after.get(item.name), item);
}

function write(node, text) {
  if (node.textContent === text) return;
  const isChange = node.textContent !== "" && node.textContent !== "–";
  node.textContent = text;
  if (isChange && !isStill.matches) node.animate({ backgroundColor: ["var(--flash)", "transparent"] }, { duration: 1400, easing: "ease-out" });
}

/** Buttons of which one is pressed: items are {name, title}. */
export function showChoice(id, items, chosen, choose) {
  keyed(byId(id), items, () => element("button", ""), (node, { name, title }) => {
    node.type = "button";
    node.textContent = title ?? prettify(name);
    node.ariaPressed = String(name === String(chosen));
    node.onclick = () => choose(name);
  });
}

/** What to show of `data` ({name: value}): in declared order, else as it comes, under its own name. */
const declaredOr = (declared, data) => declared ?? Object.keys(data ?? {}).map((name) => ({ name }));

export class Board {
  #tab = null; #sections = {}; #declaration = {};

  constructor() {
    byId("tabs").addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const tabs = [...byId("tabs").children];
      if (step) tabs.at((tabs.indexOf(event.target) + step) % tabs.length).focus();
    });
  }

  /** Show `sections` the way `declaration` (of the dashboards route; {} if unknown) says. */
  show(sections, declaration) {
    this.#sections = sections;
    this.#declaration = declaration;
    const { kpis, charts } = sections;
    keyed(byId("kpis"), declaredOr(declaration.kpis, kpis),
      () => element("div", "kpi", element("h3", ""), element("p", "")),
      (node, { name, title, unit }) => {
        node.dataset.name = name;
        node.firstChild.textContent = title ?? prettify(name);
        write(node.lastChild, format(kpis?.[name], unit));
      });
    keyed(byId("charts"), declaredOr(declaration.charts, charts).filter(({ name }) => charts?.[name]),
      () => element("article", "card entry"),
      (node, entry) => this.#entry(node, entry, charts[entry.name]));
    this.#details();
  }

  #details() {
    const undeclared = Object.keys(this.#sections).filter((name) => name.startsWith("tabs.")).map((name) => ({ name: name.slice(5) }));
    const tabs = this.#declaration.tabs ?? undeclared;
    const tab = tabs.find(({ name }) => name === this.#tab) ?? tabs[0];
    byId("details").hidden = !tab;
    if (!tab) return;
    keyed(byId("tabs"), tabs, () => element("button", ""), (node, { name, title }) => {
      const isOpen = name === tab.name;
      Object.assign(node, { type: "button", role: "tab", ariaSelected: String(isOpen), tabIndex: isOpen ? 0 : -1 });
      node.textContent = title ?? prettify(name);
      node.onclick = node.onfocus = () => {
        this.#tab = name;
        this.#details();
      };
    });
    byId("panel").ariaLabel = tab.title ?? prettify(tab.name);
    const data = this.#sections[`tabs.${tab.name}`] ?? {};
    const entries = declaredOr(tab.entries, data).map((entry) => ({ ...entry, key: entry.name, name: `${tab.name}.${entry.name}` }));
    keyed(byId("panel"), entries, () => element("article", "entry"), (node, entry) => this.#entry(node, entry, data[entry.key]));
  }

  #entry(node, { name, key = name, title = prettify(key), unit }, data) {
    if (!node.firstChild) node.append(element("h3", ""), element("div", ""));
    node.dataset.name = name;
    const [heading, body] = node.children;
    heading.textContent = title;
    if (data?.points) {
      const chart = (body.chart ??= new Chart());
      if (body.firstChild !== chart.node) body.replaceChildren(chart.node);
      body.className = "";
      chart.update(data, unit, title);
    } else if (data?.rows) {
      this.#top(body, data, unit);
    } else {
      body.className = "measure";
      write(body, format(data, unit));
    }
  }

  #top(body, { rows, error }, unit) {
    const list = Object.entries(rows).map(([name, row]) => ({ name, ...row })).sort((a, b) => a.order - b.order);
    const highest = Math.max(1e-9, ...list.map(({ value }) => value));
    body.className = list.length ? "top" : "none";
    if (error) body.title = `Each true count lies between the one shown and ${format(error, unit)} more`;
    else body.removeAttribute("title");
    if (!list.length) return body.replaceChildren("No data yet");
    keyed(body, list, () => element("div", "row", element("span", "name"), element("span", "value")), (node, { name, value }) => {
      node.style.setProperty("--share", value / highest);
      node.firstChild.textContent = node.firstChild.title = name;
      write(node.lastChild, format(value, unit));
    });
  }
}
