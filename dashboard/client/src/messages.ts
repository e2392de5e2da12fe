import { fullJitter } from "./backoff.ts";
import type { Environment } from "./environment.ts";
import type { Socket } from "./socket.ts";
import { PING_MS } from "./timing.ts";
import type { Incoming, Message } from "./wire.ts";

/** Takes a message; it is acknowledged once what this returns has settled well, and comes again otherwise. */
export type MessageHandler = (message: Message) => void | Promise<void>;

export interface Messages {
  /** Hand over messages of the thread, or of any, in order; returns what ends that. */
  listen(handler: MessageHandler, thread?: string): () => void;
  opened(): void;
  received(message: Incoming): void;
  close(): void;
}

interface Listener {
  readonly handler: MessageHandler;
  readonly thread: string | undefined;
}

const REMEMBERED = 500;

/** The messages to the token's user, each handled once by this page, in order. */
export function createMessages(env: Environment, socket: () => Socket | undefined): Messages {
  const listeners = new Set<Listener>();
  const handled = new Set<string>();
  let lastSeq = 0;
  let isReady = false;
  let failures = 0;
  let timer: unknown;
  let turn: Promise<unknown> = Promise.resolve();

  function again(ms: number): void {
    env.clearTimeout(timer);
    timer = env.setTimeout(ask, ms);
  }

  const retry = () => again(fullJitter(env.random, failures++));

  /** Have everything that is pending sent (again), now and every few minutes: one that got lost shows nowhere else. */
  function ask(): void {
    const open = socket();
    if (!listeners.size || !open) return;
    again(PING_MS);
    lastSeq = 0;
    isReady = false;
    const threads = new Set([...listeners].map((listener) => listener.thread));
    Promise.all([...threads].map((thread) => open.ask("listen", thread ? { thread } : {}))).then(() => {
      isReady = true;
    }, retry);
  }

  async function handle(message: Message): Promise<void> {
    const { message_id, seq, thread } = message;
    if (!isReady) return; // it comes again, in order
    // A gap: what is missing comes first, and this one again after it.
    if (lastSeq && seq > lastSeq + 1) return ask();
    lastSeq = Math.max(lastSeq, seq);
    try {
      const all = [...listeners];
      if (!handled.has(message_id)) {
        const meant = all.filter((listener) => !listener.thread || listener.thread === thread);
        for (const { handler } of meant.length ? meant : all) await handler(message);
        if (!all.length) return;
      }
      handled.add(message_id);
      for (const old of handled) if (handled.size > REMEMBERED) handled.delete(old);
      await socket()?.ask("acknowledge", { messages: [message_id] });
      failures = 0;
    } catch {
      retry(); // it comes again, as long as it is not acknowledged
    }
  }

  return {
    listen(handler, thread) {
      const listener = { handler, thread };
      listeners.add(listener);
      ask();
      return () => void listeners.delete(listener);
    },
    opened: ask,
    received(message) {
      if (message.type === "message") turn = turn.then(() => handle(message as Message));
    },
    close() {
      listeners.clear();
      env.clearTimeout(timer);
    },
  };
}
