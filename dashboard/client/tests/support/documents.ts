/** The server's side of a view: sections that change at random, their checksums, merge patches; written independently of src/. */
import { createHash } from "node:crypto";
import type { Chance } from "./chance.ts";

// biome-ignore lint/suspicious/noExplicitAny: JSON
export type Json = any;

export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).map(([name, inner]) => [name, canonical(inner)] as const);
  members.sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
}

export const sha256 = (value: Json): string => createHash("sha256").update(canonical(value)).digest("hex");

export function checksumsOf(sections: Json): Record<string, string> {
  const sums = Object.fromEntries(Object.entries(sections).map(([name, data]) => [name, sha256(data)]));
  return { ...sums, full: sha256(sums) };
}

const isObject = (value: Json) => value !== null && typeof value === "object" && !Array.isArray(value);

/** The merge patch from one document to the other. */
export function diff(from: Json, to: Json): Json {
  const patch: Json = Object.create(null); // "__proto__" is a key like any other
  for (const name of Object.keys(from)) if (!Object.hasOwn(to, name)) patch[name] = null;
  for (const [name, value] of Object.entries<Json>(to)) {
    const before = Object.hasOwn(from, name) ? from[name] : undefined;
    if (isObject(value) && isObject(before)) {
      const inner = diff(before, value);
      if (Object.keys(inner).length) patch[name] = inner;
    } else if (canonical(value) !== canonical(before ?? null)) patch[name] = value;
  }
  return patch;
}

export const initial = (chance: Chance): Json => ({
  kpis: { pageviews: chance.below(100), visitors: chance.below(50), rate: chance.random() },
  charts: { hits: { grain: "day", points: { "2026-11-22": { order: 1, value: chance.below(9) } } } },
  "tabs.overview": { pages: { error: 0, rows: { "/": { order: 0, value: 1 } } } },
});

/** The document after a random change, which leaves the given one as it is. */
export function changed(document: Json, chance: Chance): Json {
  const next = structuredClone(document);
  const rows = next["tabs.overview"]?.pages.rows;
  const points = next.charts.hits.points;
  for (let count = 1 + chance.below(3); count; count--) {
    const roll = chance.below(8);
    if (roll < 3) next.kpis.pageviews += 1 + chance.below(5);
    else if (roll === 3) next.kpis.rate = chance.random() * 1e-7;
    else if (roll === 4)
      points[`2026-11-${10 + chance.below(20)}`] = { order: chance.below(9), value: chance.below(99) };
    else if (roll === 5) delete points[chance.pick(Object.keys(points))];
    else if (roll === 6 && rows)
      rows[chance.pick(["/", "/é", "/\u{1f600}", "__proto__x", '/a"b'])] = {
        order: chance.below(4),
        value: chance.below(99),
      };
    else if (rows) delete next["tabs.overview"];
    else next["tabs.overview"] = { pages: { error: 0, rows: { "/": { order: 0, value: chance.below(9) } } } };
  }
  next.kpis.visitors += 1; // so that every step changes something
  return next;
}
