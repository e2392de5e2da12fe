/** The model test can fail: without any one of these guards some law is broken within a few seeds. */
import { fileURLToPath } from "node:url";
import { build, type Rolldown } from "vite";
import { expect, test } from "vitest";
import type * as Sdk from "../src/index.ts";
import type { Fault } from "./support/lies.ts";
import { LawBroken, type Settings, simulate } from "./support/simulation.ts";

interface Mutant {
  readonly guard: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly law: RegExp;
  /** What finds it soonest. */
  readonly faults: readonly Fault[];
  readonly moves?: Settings["moves"];
}

const SEEDS = 40;
const MUTANTS: Mutant[] = [
  {
    guard: "the checksum is compared before anything is shown",
    file: "watch.ts",
    from: "if (checksums.full !== full) return false;",
    to: "",
    law: /was the server's state/,
    faults: ["content"],
  },
  {
    guard: "missed deltas must come in time",
    file: "watch.ts",
    from: "after(CATCH_UP_MS,",
    to: "after(1e12,",
    law: /becomes live/,
    faults: ["half"],
    moves: ["commit", "cut", "reload", "time"],
  },
  {
    guard: "a lost subscription is taken again",
    file: "watch.ts",
    from: 'advance(from, head.subscribed ? "" : "subscribe");',
    to: 'advance(from, "");',
    law: /becomes live/,
    faults: ["unsubscribed"],
  },
  {
    guard: "an idle view is verified",
    file: "watch.ts",
    from: "if (isVisible()) verify(true);",
    to: "",
    law: /becomes live/,
    faults: ["drop"],
  },
  {
    guard: "a silent line is given up",
    file: "socket.ts",
    from: "if (heardAt < sentAt) end();",
    to: "if (!sentAt) end();",
    law: /becomes live/,
    faults: ["deaf"],
  },
  {
    guard: "an event stays until it is acknowledged",
    file: "queue.ts",
    from: "const done = settled(batch, answer);",
    to: "const done = batch;",
    law: /every event arrives|in sequence/,
    faults: ["half"],
  },
  {
    guard: "a refused token is asked for again",
    file: "connection.ts",
    from: "? REFUSED_MS * (1 + env.random())",
    to: "? 1e12",
    law: /becomes live/,
    faults: ["ticket"],
  },
];

async function mutated({ file, from, to }: Mutant): Promise<typeof Sdk> {
  let count = 0;
  const output = (await build({
    configFile: false,
    logLevel: "silent",
    plugins: [
      {
        name: "mutate",
        transform(code, id) {
          if (!id.endsWith(`/src/${file}`)) return undefined;
          count = code.split(from).length - 1;
          return code.replace(from, to);
        },
      },
    ],
    build: {
      write: false,
      minify: false,
      rolldownOptions: {
        input: fileURLToPath(new URL("../src/index.ts", import.meta.url)),
        preserveEntrySignatures: "strict",
        output: { format: "es" },
      },
    },
  })) as Rolldown.RolldownOutput;
  expect(count, `${from} stands once in ${file}`).toBe(1);
  return import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(output.output[0].code)}`);
}

test.each(MUTANTS)("a law breaks unless $guard", async (mutant) => {
  const { connect } = await mutated(mutant);
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await simulate(connect, seed, { ...mutant, rages: [0, 0.5] });
    } catch (error) {
      expect(error).toBeInstanceOf(LawBroken);
      expect((error as Error).message).toMatch(mutant.law);
      return;
    }
  }
  expect.fail(`${SEEDS} seeds have not found that nothing ensures: ${mutant.guard}`);
});
