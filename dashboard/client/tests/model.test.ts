/**
 * The client against an adversarial server: whatever happens, it shows what the server had, or says that it does not know.
 * `SEED=17 npx vitest run client/tests/model.test.ts` repeats one run; `RUNS=1000` makes more.
 */
import { expect, test } from "vitest";
import { connect } from "../src/index.ts";
import { FAULTS, MOVES, type Settings, simulate } from "./support/simulation.ts";

const { RUNS = 40, SEED } = process.env;
const seeds = SEED ? [Number(SEED)] : Array.from({ length: Number(RUNS) }, (_, index) => index + 1);
const met = new Set<string>();

async function run(seed: number, settings: Settings): Promise<void> {
  const outcome = await simulate(connect, seed, settings);
  for (const pair of outcome.met) met.add(pair);
  expect(outcome.published).toBeGreaterThan(5);
}

test.each(seeds)("holds its laws with seed %i", (seed) => run(seed, {}));

test.each(FAULTS)("holds its laws with nothing but %s", async (fault) => {
  for (const seed of seeds.slice(0, 3)) await run(seed, { faults: [fault], rages: [0, 0.2, 0.6] });
});

test("meets every event in every state", async () => {
  if (SEED) return; // one run does not
  const missing = () =>
    ["loading", "cached", "live", "stale"]
      .flatMap((state) => [...FAULTS, ...MOVES].map((event) => `${state}×${event}`))
      .filter((pair) => !met.has(pair));
  // What chance has left out is looked for.
  for (let seed = 1001; missing().length && seed < 1100; seed++) {
    const faults = FAULTS.filter((fault) => missing().some((pair) => pair.endsWith(fault)));
    await run(seed, { faults, rages: [0, 0.4] });
  }
  expect(missing()).toEqual([]);
  for (const state of ["static", "error"])
    expect([...met].filter((pair) => pair.startsWith(state)).length).toBeGreaterThan(15);
});
