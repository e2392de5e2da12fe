import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { canonicalize } from "../src/canonical.ts";
import { checksum, checksumsOf } from "../src/checksum.ts";

/** Written by the server's own code: tests/support/sdk_vectors.py. */
const vectors = JSON.parse(readFileSync(new URL("vectors.json", import.meta.url), "utf8"));

test("values have the server's canonical form and checksum", async () => {
  for (const { value, canonical, checksum: expected } of vectors.values) {
    expect(canonicalize(value)).toBe(canonical);
    expect(await checksum(value)).toBe(expected);
  }
});

test("sections have the server's checksums, computed or known", async () => {
  const { value, checksums } = vectors.sections;
  expect(await checksumsOf(value, {})).toEqual(checksums);
  expect(await checksumsOf(value, { kpis: checksums.kpis })).toEqual(checksums);
  expect((await checksumsOf(value, { kpis: "0" })).full).not.toBe(checksums.full);
});

test("a page without WebCrypto is told why", async () => {
  await expect(checksumsOf({}, {}, null)).rejects.toMatchObject({ code: "crypto_unavailable" });
  await expect(checksum({}, null)).rejects.toMatchObject({ code: "crypto_unavailable" });
});
