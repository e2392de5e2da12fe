/** One seeded life of a client at an adversary's: any event in any state, laws checked at every state that it shows. */
import type * as Sdk from "../../src/index.ts";
import { AdversarialServer, keyOf } from "./adversary.ts";
import { Browser } from "./browser.ts";
import { Chance } from "./chance.ts";
import { Clock, settle } from "./clock.ts";
import { canonical } from "./documents.ts";
import { FAULTS, type Fault } from "./lies.ts";

export const VIEW = { dashboard: "web", days: 30 };
const VIEWS = [
  VIEW,
  { dashboard: "web", days: 7 },
  { dashboard: "lifecycle", days: 30 },
  { ...VIEW, to: "2026-11-01" },
];
const MOVES = [
  "commit",
  "time",
  "long",
  "restart",
  "hide",
  "show",
  "offline",
  "online",
  "sleep",
  "reload",
  "track",
  "open",
  "close",
  "prefetch",
  "lifecycle",
  "cut",
  "hours",
  "message",
] as const;
type Move = (typeof MOVES)[number];
/** All, some of them more often. */
const USUAL: readonly Move[] = [...MOVES, ...Array<Move>(6).fill("commit"), ...Array<Move>(6).fill("time")];

const STEPS = 25;

/** After the last fault everything must be right within this time: a refused token is tried again after up to 60 s. */
const REPAIR_MS = 150_000;

export interface Outcome {
  /** `<status>×<fault or move>` that were met. */
  readonly met: Set<string>;
  readonly published: number;
  readonly requests: number;
}

export interface Settings {
  /** Only these. */
  readonly faults?: readonly Fault[];
  /** Only these. */
  readonly moves?: readonly Move[] | undefined;
  /** How likely a fault is, one of these a step. */
  readonly rages?: readonly number[];
  /** How often the adversary rages and rests. */
  readonly rounds?: number;
}

export class LawBroken extends Error {}

export async function simulate(
  connect: typeof Sdk.connect,
  seed: number,
  { faults, moves = USUAL, rages = [0, 0.02, 0.1, 0.3], rounds = 3 }: Settings = {},
): Promise<Outcome> {
  const chance = new Chance(seed);
  const clock = new Clock();
  const server = new AdversarialServer(clock, chance);
  const browser = new Browser(server, clock, chance, connect);
  const met = new Set<string>();
  const tracked: string[] = [];
  const views = new Map<string, Sdk.LiveView>();
  let published = 0;
  let trace: string[] = [];
  let page = browser.page();
  let handled: number[] = []; // by this page
  const listen = () => {
    const mine: number[] = [];
    handled = mine;
    const handle = async ({ seq }: Sdk.Message) => {
      if (chance.happens(server.rage)) throw new Error("the handler failed");
      mine.push(seq);
    };
    page.client.listen(handle, "t1");
  };

  let broken: LawBroken | undefined; // a listener's error would not come to us
  const fail = (law: string, detail: unknown): void => {
    broken ??= new LawBroken(`${law} (seed ${seed}): ${JSON.stringify(detail)}\n${trace.slice(-40).join("\n")}`);
  };
  const note = (event: string) => {
    trace = [...trace, `${clock.now() % 1e7} ${event}`].slice(-60);
    for (const view of views.values()) met.add(`${view.get().status}×${event}`);
  };
  server.onFault = note;

  const check = (state: Sdk.ViewState) => {
    published++;
    trace.push(
      `${clock.now() % 1e7} ${keyOf(state.view)} ${state.status} ${JSON.stringify(state.position ?? null)} ${state.error?.code ?? ""}`,
    );
    if (state.exact !== !!state.sections) fail("sections are exact or not there", state);
    if (!state.exact) return;
    const there = server.history.get(`${keyOf(state.view)}|${state.position?.epoch}|${state.position?.seq}`);
    if (there !== canonical(state.sections))
      fail("what is shown was the server's state at the position", [state, there]);
  };
  const open = (view: Sdk.View) => {
    if (views.has(keyOf(view))) return;
    const opened = page.client.view(view);
    views.set(keyOf(view), opened);
    opened.subscribe(check);
  };
  const bounded = () => {
    if (browser.timers.size > 60) fail("timers are bounded", browser.timers.size);
    if (server.sockets.size > 3) fail("sockets are bounded", server.sockets.size);
    if (broken) throw broken;
  };

  const act: Record<Move, () => void | Promise<void>> = {
    commit: async () => {
      for (let count = chance.below(6); count; count--) {
        server.commit(chance.pick(VIEWS.slice(0, 3)));
        await clock.advance(chance.below(2) * chance.below(1_000));
      }
    },
    time: () => clock.advance(chance.below(5_000)),
    long: () => clock.advance(chance.below(200_000)),
    hours: async () => {
      if (!faults) server.rage /= 20; // for as long as this, it would be nothing but faults
      await clock.advance(chance.below(chance.pick([1_000_000, 10_000_000])));
    },
    sleep: () => clock.advance(chance.below(8_000_000), true),
    restart: () => server.restart(chance.pick(VIEWS)),
    hide: () => browser.show(false),
    show: () => browser.show(true),
    offline: () => browser.network(false),
    online: () => browser.network(true),
    cut: () => chance.pick([...server.sockets])?.die(),
    reload: async () => {
      await clock.advance(chance.below(3) * 20);
      page.crash();
      views.clear();
      page = browser.page();
      listen();
      open(VIEW);
      open(chance.pick(VIEWS));
    },
    track: async () => {
      for (let count = 1 + chance.below(120); count; count--)
        tracked.push(page.client.track("page", { at: tracked.length }));
      await settle(1000); // until they are on disk, which a reload leaves
    },
    open: () => open(chance.pick(VIEWS)),
    close: () => {
      const key = chance.pick([...views.keys()]);
      views.get(key)?.close();
      views.delete(key);
    },
    prefetch: () => {
      const abort = new AbortController();
      page.client.prefetch(chance.pick(VIEWS), abort.signal).then(check, () => {});
      clock.setTimeout(() => abort.abort(), chance.below(60_000));
    },
    message: () => {
      for (let count = 1 + chance.below(3); count; count--) server.notify(chance.pick([undefined, "t1", "t2"]));
    },
    lifecycle: () => page.client.lifecycle("tab_switch", { tab: "x" }),
  };

  server.only = faults;
  listen();
  for (let round = 0; round < rounds; round++) {
    open(VIEW);
    for (let step = 0; step < STEPS; step++) {
      server.rage = chance.pick(rages);
      const move = chance.pick(moves);
      note(move);
      await act[move]();
      await clock.advance(chance.below(300));
      bounded();
    }
    await rest();
  }

  /** The adversary rests: all becomes right, and stays so while the view goes on. */
  async function rest(): Promise<void> {
    server.rage = 0;
    if (!browser.navigator.onLine) browser.network(true);
    if (browser.document.visibilityState === "hidden") browser.show(true);
    open(VIEW);
    await clock.advance(REPAIR_MS);
    const asked = server.requests;
    for (let step = 0; step < 3; step++) {
      const state = views.get(keyOf(VIEW))?.get();
      const there = canonical(server.viewOf(VIEW).sections);
      if (state?.status !== "live" || canonical(state.sections) !== there)
        fail("the view becomes live and equal", state);
      server.commit(VIEW);
      await clock.advance(2_000);
    }
    if (new Set(handled).size < handled.length) fail("a page handles a message once", handled);
    if (server.requests - asked > 40) fail("requests are bounded", server.requests - asked);
    bounded();
  }

  await clock.advance(300_000); // a message that got lost shows when the client listens again
  if (server.inbox.pending.size) fail("every message is acknowledged", [...server.inbox.pending.keys()]);
  const arrived = [...server.events.values()];
  const missing = tracked.filter((id) => !server.events.has(id));
  if (missing.length) fail("every event arrives", { missing: missing.length, of: tracked.length });
  const order = arrived.filter(({ type }) => type === "page").map(({ event_id }) => event_id);
  if (order.join() !== tracked.join()) fail("events arrive in order", { order: order.length, tracked: tracked.length });
  inSequence(arrived, fail);
  bounded();
  page.crash();
  return { met, published, requests: server.requests };
}

/** The lifecycle events of a connection are 1, 2, 3 … in order. */
function inSequence(
  events: Iterable<{ properties: { connection?: string; sequence?: number } }>,
  fail: (law: string, detail: unknown) => void,
): void {
  const last = new Map<string, number>();
  for (const { properties } of events) {
    if (!properties.connection) continue;
    const before = last.get(properties.connection) ?? 0;
    if (properties.sequence !== before + 1) fail("lifecycle events are in sequence", [properties, before]);
    last.set(properties.connection, before + 1);
  }
}

export { FAULTS, MOVES };
