/** One browser with its disk, in which pages (clients) come and go, all in virtual time. */
import { createHash } from "node:crypto";
import { IDBFactory } from "fake-indexeddb";
import type * as Sdk from "../../src/index.ts";
import type { AdversarialServer } from "./adversary.ts";
import type { Chance } from "./chance.ts";
import type { Clock } from "./clock.ts";

const TOKEN_LIVES_MS = [300_000, 3_600_000, 43_200_000];

/** An unsigned JWT that ends after `lifeMs`. */
export const tokenOf = (clock: Clock, lifeMs: number): string =>
  `h.${btoa(JSON.stringify({ ws: "demo", exp: Math.floor((clock.now() + lifeMs) / 1000) }))}.s`;

export class Browser {
  readonly indexedDB = new IDBFactory();
  readonly navigator = { onLine: true };
  /** The latest page's. */
  window = new EventTarget();
  document = Object.assign(new EventTarget(), { visibilityState: "visible" as DocumentVisibilityState });
  /** Timers of pages that are set. */
  readonly timers = new Set<unknown>();

  constructor(
    readonly server: AdversarialServer,
    readonly clock: Clock,
    private readonly chance: Chance,
    private readonly connect: typeof Sdk.connect,
  ) {}

  /** Open a page; `crash` ends it as closing the tab does: nothing of it runs any more. */
  page(
    options: Partial<Sdk.Options> = {},
    given: Partial<Sdk.Environment> = {},
  ): { client: Sdk.Client; crash(): void } {
    let isGone = false;
    this.window = new EventTarget();
    this.document = Object.assign(new EventTarget(), { visibilityState: this.document.visibilityState });
    const { server, clock, chance, timers } = this;
    const Socket = server.WebSocket;
    const opened: InstanceType<typeof Socket>[] = [];
    const environment: Sdk.Environment = {
      now: clock.now,
      random: chance.random,
      setTimeout: (callback, ms) => {
        const timer = clock.setTimeout(() => {
          timers.delete(timer);
          if (!isGone) callback();
        }, ms);
        timers.add(timer);
        return timer;
      },
      clearTimeout: (timer) => {
        timers.delete(timer);
        clock.clearTimeout(timer);
      },
      fetch: (url, init) => (isGone ? new Promise(() => {}) : server.fetch(url, init)),
      WebSocket: class extends Socket {
        constructor(url: string) {
          super(url);
          opened.push(this);
        }
      },
      crypto: {
        subtle: {
          digest: async (_, data) =>
            new Uint8Array(
              createHash("sha256")
                .update(data as Uint8Array)
                .digest(),
            ).buffer,
        },
        getRandomValues: (array: Uint8Array) => {
          for (let at = 0; at < array.length; at++) array[at] = chance.below(256);
        },
      },
      indexedDB: this.indexedDB,
      document: this.document as unknown as Document,
      window: this.window,
      navigator: this.navigator,
      ...given,
    };
    const client = this.connect({
      url: "https://tidemark.test/api/",
      workspace: "demo",
      token: () => tokenOf(clock, chance.pick(TOKEN_LIVES_MS)),
      environment,
      ...options,
    });
    return {
      client,
      crash() {
        isGone = true;
        for (const socket of opened) {
          socket.onmessage = socket.onclose = socket.onopen = null;
          socket.close();
        }
        for (const timer of timers) clock.clearTimeout(timer);
        timers.clear();
      },
    };
  }

  show(isVisible: boolean): void {
    this.document.visibilityState = isVisible ? "visible" : "hidden";
    this.document.dispatchEvent(new Event("visibilitychange"));
  }

  network(isThere: boolean): void {
    this.navigator.onLine = isThere;
    if (!isThere) for (const socket of [...this.server.sockets]) socket.die();
    this.window.dispatchEvent(new Event(isThere ? "online" : "offline"));
  }
}
