import { fullJitter } from "./backoff.ts";
import { type Environment, newId } from "./environment.ts";
import { TidemarkError } from "./errors.ts";
import type { Post } from "./http.ts";
import { type Readable, writable } from "./readable.ts";
import type { Socket } from "./socket.ts";
import type { Queued, Storage } from "./storage.ts";
import { BATCH_MS, FOUND_MS } from "./timing.ts";
import type { Incoming, Rejection } from "./wire.ts";

/** The fields of an event that a caller may set; the others are set here. */
export interface EventFields {
  anonymous_id?: string;
  user_id?: string;
  session_id?: string;
  event_id?: string;
  timestamp?: string;
}

export interface QueueState {
  /** Events of this page that are not acknowledged yet, and those found of earlier ones. */
  readonly pending: number;
  /** The last 100 that were not kept, and why. */
  readonly rejected: readonly Rejection[];
}

export interface Queue {
  readonly state: Readable<QueueState>;
  /** Queue an event and return its id; it is sent within `ms`. */
  track(type: string, properties?: object, fields?: EventFields, ms?: number): string;
  /** Send by then, or not before a failure's backoff. */
  schedule(ms: number): void;
  /** Send now; resolves when all is sent or a try has failed. */
  flush(): Promise<void>;
  close(): void;
}

const MAX_PENDING = 10_000;
const MAX_EVENTS = 100;
/** An event's bound. A browser sends a message as one frame, and API Gateway takes frames of 32 KB. */
const EVENT_BYTES = 32_768;
const SOCKET_BYTES = 30_000;
const HTTP_BYTES = 100_000;

const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

/** The first of the events, as many as fit, at least one. */
function cut(queued: Queued[], bytes: number): Queued[] {
  let left = bytes;
  const at = queued.findIndex(({ event }) => {
    left -= bytesOf(event) + 1;
    return left < 0;
  });
  return at < 0 ? queued : queued.slice(0, at || 1);
}

/**
 * Events on their way to the server: kept until acknowledged, sent in order, at least once. Over `socket()` when there is
 * one, else over HTTP unless `isRefused()`.
 */
export function createQueue(
  env: Environment,
  storage: Storage,
  post: Post,
  socket: () => Socket | undefined,
  isRefused: () => boolean,
): Queue {
  const state = writable<QueueState>({ pending: 0, rejected: [] });
  let pending = 0;
  let tracked = 0;
  let rejected: readonly Rejection[] = [];
  let attempt = 0;
  let notBefore = 0;
  let dueAt = Number.POSITIVE_INFINITY;
  let timer: unknown;
  let running: Promise<void> | undefined;
  let isClosed = false;

  function change(by: number, failures: Rejection[] = []): void {
    pending = Math.max(0, pending + by);
    rejected = [...rejected, ...failures].slice(-100);
    state.set({ pending, rejected });
  }

  function schedule(ms: number): void {
    const at = Math.max(env.now() + ms, notBefore);
    if (at >= dueAt || isClosed) return;
    env.clearTimeout(timer);
    dueAt = at;
    timer = env.setTimeout(run, at - env.now());
  }

  function run(): Promise<void> {
    env.clearTimeout(timer);
    dueAt = Number.POSITIVE_INFINITY;
    running ??= locked().finally(() => {
      running = undefined;
    });
    return running;
  }

  /** One tab at a time, where the browser has locks; else two may send the same event, which counts once. */
  async function locked(): Promise<void> {
    try {
      await (env.navigator.locks ? env.navigator.locks.request("tidemark", drain) : drain());
      attempt = 0;
    } catch {
      const wait = fullJitter(env.random, attempt++);
      notBefore = env.now() + wait;
      schedule(wait);
    }
  }

  async function drain(): Promise<void> {
    while (!isClosed) {
      const open = socket();
      if (!open && isRefused()) return; // a socket will open, or nothing helps
      const before = tracked;
      const queued = await storage.first(MAX_EVENTS);
      const first = queued[0];
      if (!first) return change(before === tracked ? -pending : 0); // another tab may have sent some of ours
      // What is too large for a frame goes over HTTP.
      const over = open && bytesOf(first.event) < SOCKET_BYTES ? open : undefined;
      const batch = cut(queued, over ? SOCKET_BYTES : HTTP_BYTES);
      const events = batch.map(({ event }) => event);
      const answer = await (over ? over.ask("track", { events }) : post("/v1/batch", { batch: events }));
      const done = settled(batch, answer);
      if (!done.length) throw new TidemarkError("malformed", "The answer acknowledges nothing");
      await storage.remove(done.map(({ key }) => key));
      change(-done.length, answer.rejected);
    }
  }

  function settled(batch: Queued[], { accepted, rejected = [] }: Incoming): Queued[] {
    const failed = new Set(rejected.map(({ index }: Rejection) => index));
    // HTTP counts what it took, the socket names it.
    const isTaken = Array.isArray(accepted)
      ? ({ event }: Queued) => accepted.includes(event.event_id)
      : () => accepted + failed.size >= batch.length;
    return batch.filter((queued, index) => failed.has(index) || isTaken(queued));
  }

  storage.count().then((found) => {
    change(found);
    if (found) schedule(FOUND_MS);
  });

  return {
    state,
    track(type, properties = {}, fields = {}, ms = BATCH_MS) {
      const event = { event_id: newId(env), type, timestamp: new Date(env.now()).toISOString(), ...fields, properties };
      const { event_id } = event;
      const size = bytesOf(event);
      if (size > EVENT_BYTES || pending >= MAX_PENDING) {
        const [code, message] =
          size > EVENT_BYTES
            ? ["event_too_large", `The event has ${size} bytes, of at most ${EVENT_BYTES}`]
            : ["queue_full", `${MAX_PENDING} events wait already`];
        change(0, [{ event_id, code, message }]);
      } else {
        // A copy as JSON: what the caller changes afterwards does not change the event.
        storage.add(JSON.parse(JSON.stringify(event)));
        tracked++;
        change(1);
        schedule(ms);
      }
      return event_id;
    },
    schedule,
    async flush() {
      await running;
      notBefore = 0;
      await run();
    },
    close() {
      isClosed = true;
      env.clearTimeout(timer);
    },
  };
}
