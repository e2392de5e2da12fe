import fc from "fast-check";
import { expect, test } from "vitest";
import { mergePatch } from "../src/merge.ts";
import { canonical, diff, type Json } from "./support/documents.ts";

const key = fc.oneof(fc.constantFrom("a", "b", "c", "__proto__", "constructor"), fc.string({ maxLength: 3 }));
/** JSON in which null stands nowhere, as in sections. */
const json: fc.Arbitrary<Json> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ maxLength: 4 }),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map(objectOf),
})).object;
const patches = fc.array(fc.tuple(key, fc.oneof(fc.constant(null), json)), { maxLength: 4 }).map(objectOf);

/** As JSON.parse makes them: "__proto__" is a key like any other. */
function objectOf(entries: readonly (readonly [string, unknown])[]): Json {
  return JSON.parse(
    `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`,
  );
}

function freeze(value: Json): Json {
  if (value !== null && typeof value === "object") Object.values(value).forEach(freeze);
  return Object.freeze(value);
}

test("the examples of RFC 7396, appendix A", () => {
  const examples: [Json, Json, Json][] = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of examples) expect(canonical(mergePatch(target, patch))).toBe(canonical(result));
});

test("a difference leads from any document to any other", () => {
  fc.assert(
    fc.property(json, json, (from, to) => {
      expect(canonical(mergePatch(from, diff(from, to)))).toBe(canonical(to));
    }),
  );
});

test("a patch applied twice is a patch applied once", () => {
  fc.assert(
    fc.property(json, patches, (document, patch) => {
      const once = mergePatch(document, patch);
      expect(canonical(mergePatch(once, patch))).toBe(canonical(once));
    }),
  );
});

test("nothing is changed in place, and what is not touched is shared", () => {
  fc.assert(
    fc.property(json, patches, (document, patch) => {
      const before = canonical(document);
      const merged = mergePatch(freeze(document), freeze(patch)) as Json;
      expect(canonical(document)).toBe(before);
      for (const name of Object.keys(document))
        if (!Object.hasOwn(patch, name)) expect(merged[name]).toBe(document[name]);
    }),
  );
});
