import { fullJitter } from "./backoff.ts";
import { createCache } from "./cache.ts";
import { checksumsOf } from "./checksum.ts";
import { describe, isHopeless, TidemarkError } from "./errors.ts";
import type { LifecycleType } from "./lifecycle.ts";
import { assemble } from "./parts.ts";
import { writable } from "./readable.ts";
import { applyDelta, applySnapshot, haveOf, type Replica } from "./replica.ts";
import type { Socket } from "./socket.ts";
import { CATCH_UP_MS, IDLE_MS, LINGER_MS, REFUSED_MS } from "./timing.ts";
import type { Context, Need, ViewState, Watch } from "./view.ts";
import { type Delta, keyOf, type Subscribed, type View } from "./wire.ts";

const MAX_DELTAS = 500;

/**
 * Keeps `view` exact, or brings it once (`isStatic`: it ends in the past, or is prefetched). One step at a time, so that nothing
 * moves under a request. `disposed` is called at the end.
 */
export function createWatch(view: View, context: Context, disposed: () => void, isStatic = !!view.to): Watch {
  const { env, storage, lifecycle, socket, isVisible } = context;
  const state = writable<ViewState>({ view, status: "loading", exact: false, changed: [] });
  const key = keyOf(view);
  const cache = createCache(key, storage, env);
  const clear = env.clearTimeout;
  let replica: Replica | undefined;
  let need: Need = "load";
  let base: ViewState["status"] = "loading";
  let isLive = false;
  let isRefused = false;
  let isFromScratch = false;
  let isIdle = false;
  let isBusy = false;
  let isGone = false;
  let users = 0;
  let failures = 0;
  let target = 0; // the seq up to which missed deltas are on their way
  let subscribeId: string | undefined;
  let verifiedAt: number | undefined;
  let error: ViewState["error"];
  let differing: string[] = []; // sections, from what was published last
  let deltas: Delta[] = [];
  let paused: unknown;
  let idle: unknown;
  let catchUp: unknown;
  let linger: unknown;

  const after = (ms: number, act: () => void) => (isGone ? undefined : env.setTimeout(act, ms));

  function publish(changed: readonly string[] = []): void {
    differing = [];
    state.set({
      view,
      status: isLive ? "live" : isRefused ? "error" : base,
      exact: !!replica,
      changed,
      ...(replica && { sections: replica.sections, position: replica.position }),
      ...(replica?.generatedAt && { generatedAt: replica.generatedAt }),
      ...(verifiedAt && { verifiedAt }),
      ...(error && { error }),
    });
  }

  /** Take `next` if it is what the server has, by its checksum `full`. */
  async function take(next: Replica, full: string | undefined): Promise<boolean> {
    const checksums = await checksumsOf(next.sections, next.checksums, env.crypto?.subtle ?? null);
    if (checksums.full !== full) return false;
    const before = replica?.checksums ?? {};
    replica = { ...next, checksums };
    const names = Object.keys({ ...before, ...checksums });
    differing = names.filter((name) => name !== "full" && before[name] !== checksums[name]);
    return true;
  }

  /** The server has just said that the replica is right. */
  function confirm(live: boolean): void {
    verifiedAt = env.now();
    error = undefined;
    isRefused = false;
    isLive = live;
    if (live) base = "stale";
    if (differing.length) keep();
    publish(differing);
    clear(idle);
    idle = after(IDLE_MS, () => {
      failures = 0;
      if (isVisible()) verify(true);
    });
  }

  function keep(): void {
    if (replica && verifiedAt) cache.put({ ...replica, verifiedAt, savedAt: env.now() });
  }

  function verify(fromIdleness: boolean): void {
    if (need || !isLive) return;
    isIdle = fromIdleness;
    need = "reconcile";
    work();
  }

  /** What is held is not right, or not enough: make it so, the first time at once, then ever more slowly. */
  function repair(by: Need = "reconcile"): void {
    isLive = false;
    isIdle = false;
    need = by;
    deltas = [];
    clear(catchUp);
    if (++failures > 1) pause(fullJitter(env.random, failures - 1));
    publish();
  }

  function pause(ms: number): void {
    clear(paused);
    paused = after(ms, resume);
  }

  function resume(): void {
    paused = clear(paused);
    work();
  }

  async function work(): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    for (let step = next(); step; step = next()) {
      try {
        await step();
      } catch (problem) {
        failed(problem);
      }
    }
    isBusy = false;
  }

  function next(): (() => Promise<void>) | undefined {
    if (isGone) return undefined;
    if (need === "load") return load;
    const open = socket();
    if (!users && !linger) return () => leave(open);
    if (!open || paused) return undefined;
    if (need) return () => ({ bootstrap, subscribe, reconcile })[need as "bootstrap"](open);
    return deltas.length ? apply : undefined;
  }

  function failed(problem: unknown): void {
    error = describe(problem);
    if (error.code === "connection_lost") return; // comes back by itself
    isRefused = isHopeless(error.code);
    failures++;
    pause(isRefused ? REFUSED_MS * (1 + env.random()) : fullJitter(env.random, failures));
    isLive = false;
    publish();
  }

  /** Go on with `following`, unless another socket has come meanwhile. */
  const advance = (from: Socket, following: Need) => {
    if (from === socket()) need = following;
  };

  async function load(): Promise<void> {
    need = "bootstrap";
    const saved = await cache.load();
    if (!saved || !(await take({ ...saved, checksums: {} }, saved.checksums.full))) return;
    verifiedAt = saved.verifiedAt;
    base = "cached";
    need = entry();
    publish(differing);
  }

  const entry = (): Need => (replica && !isStatic ? "subscribe" : "bootstrap");

  const record = (type: LifecycleType, startedAt: number, verdict?: string) =>
    lifecycle.record(type, { duration_ms: env.now() - startedAt, verdict }, view);

  const have = () => (replica && !isFromScratch ? { have: haveOf(replica) } : {});

  async function bootstrap(from: Socket): Promise<void> {
    const startedAt = env.now();
    const { head, sections } = await from.ask("bootstrap", { view, ...have() }, assemble());
    if (!(await take(applySnapshot(isFromScratch ? undefined : replica, head, sections), head.checksums.full))) {
      isFromScratch = true;
      throw new TidemarkError("checksum_mismatch", "The snapshot does not match its checksum");
    }
    isFromScratch = false;
    record("bootstrap", startedAt);
    advance(from, isStatic ? "" : "subscribe");
    if (isStatic) base = "static";
    confirm(false);
  }

  async function subscribe(from: Socket): Promise<void> {
    const startedAt = env.now();
    const held = replica as Replica;
    const answer: Subscribed = await from.ask("subscribe", { view, position: held.position });
    const { position, recovered, checksums } = answer;
    const ahead = position.seq - held.position.seq;
    const isWhole = recovered && position.epoch === held.position.epoch && ahead >= 0;
    record("ws_subscribe", startedAt, isWhole ? "recovered" : "reset");
    if (!isWhole || (!ahead && checksums.full !== held.checksums.full)) return repair();
    subscribeId = answer.id;
    target = position.seq;
    advance(from, "");
    if (!ahead) return confirm(true);
    clear(catchUp);
    catchUp = after(CATCH_UP_MS, () => {
      if (need || (replica as Replica).position.seq >= target) return;
      repair();
      work();
    });
  }

  async function reconcile(from: Socket): Promise<void> {
    const startedAt = env.now();
    const held = replica as Replica;
    const { head, sections } = await from.ask("reconcile", { view, position: held.position, ...have() }, assemble());
    record(isIdle ? "idle_sync" : "header_reconcile", startedAt, head.verdict);
    if (!(await take(applySnapshot(held, head, sections), head.checksums.full))) {
      isFromScratch = true;
      return repair("bootstrap");
    }
    target = head.position.seq;
    advance(from, head.subscribed ? "" : "subscribe");
    isFromScratch = false;
    confirm(!!head.subscribed && (isLive || from === socket()));
  }

  async function apply(): Promise<void> {
    const delta = deltas.shift() as Delta;
    const result = applyDelta(replica as Replica, delta);
    if (result === "known") return;
    if (result === "gap" || !(await take(result, delta.checksums.full))) return repair();
    failures = 0;
    lifecycle.applied(view);
    confirm(delta.seq >= target && (isLive || (!need && !!socket())));
  }

  async function leave(open: Socket | undefined): Promise<void> {
    if (open && !isStatic) await open.ask("unsubscribe", { view }).catch(() => {});
    need = entry(); // if somebody looks again
    if (!users) dispose();
  }

  function save(): void {
    keep();
    cache.save();
  }

  function dispose(): void {
    if (isGone) return;
    isGone = true;
    save();
    for (const timer of [paused, idle, catchUp, linger]) clear(timer);
    disposed();
  }

  work();
  return {
    state,
    use() {
      let isUsed = 1;
      users++;
      linger = clear(linger);
      return () => {
        users -= isUsed;
        isUsed = 0;
        if (users) return;
        clear(linger);
        linger = after(LINGER_MS, () => {
          linger = undefined;
          work();
        });
      };
    },
    attach() {
      if (base !== "static") need = entry();
      resume();
    },
    detach() {
      isLive = false;
      clear(catchUp);
      publish();
    },
    received(message) {
      if (message.type === "delta" && !isStatic && message.view && keyOf(message.view) === key) {
        if (deltas.push(message as Delta) > MAX_DELTAS) deltas = [];
        work();
      } else if (message.type === "error" && message.id && message.id === subscribeId) {
        repair(); // the missed deltas will not come
        work();
      }
    },
    shown() {
      if (env.now() - (verifiedAt ?? 0) >= IDLE_MS) verify(false);
    },
    save,
    dispose,
  };
}
