import { fullJitter } from "./backoff.ts";
import type { Environment } from "./environment.ts";
import { describe, isRefusal, lost, type Problem, type TidemarkError } from "./errors.ts";
import type { Post } from "./http.ts";
import { type Readable, writable } from "./readable.ts";
import { openSocket, type Socket } from "./socket.ts";
import { CATCH_UP_MS, LIFETIME_MS, REFUSED_MS, SETTLED_MS, SLEPT_MS, TICK_MS } from "./timing.ts";
import { marginOf, type Tokens } from "./tokens.ts";
import type { Incoming } from "./wire.ts";

export interface ConnectionState {
  /** `waiting`: for the next try; `offline`: likewise, and the browser has no network; `refused`: the token is not accepted. */
  readonly status: "connecting" | "open" | "waiting" | "offline" | "refused" | "closed";
  /** Failures in a row. */
  readonly attempt: number;
  /** Unix milliseconds of the next try. */
  readonly retryAt?: number;
  readonly error?: Problem;
}

export interface Connection {
  readonly state: Readable<ConnectionState>;
  /** The open socket. */
  socket(): Socket | undefined;
  /** Connect, unless connected, at a random moment within `ms`: the network is back for many, or now: a viewer is. */
  wake(ms?: number): void;
  /** The socket is not to be trusted any more: the network went, or the machine slept. */
  drop(): void;
  close(): void;
}

export interface ConnectionEvents {
  /** A socket is open; one before it stays open for some seconds, for what is under way there. */
  opened(socket: Socket): void;
  lost(): void;
  received(message: Incoming): void;
}

/** Keeps a socket open: ticket, backoff, and renewal before API Gateway's 2 hours or the token end (make before break). */
export function createConnection(env: Environment, post: Post, tokens: Tokens, on: ConnectionEvents): Connection {
  const state = writable<ConnectionState>({ status: "connecting", attempt: 0 });
  let socket: Socket | undefined;
  let openedAt = 0;
  let endsAt = 0;
  let attempt = 0;
  let isOpening = false;
  let isClosed = false;
  let next: unknown; // the next try, or renewal
  let last: unknown; // the end of the socket
  let tick: unknown;
  let leave = () => {};

  function schedule(ms: number): void {
    env.clearTimeout(next);
    next = env.setTimeout(open, ms);
  }

  async function open(): Promise<void> {
    if (isOpening || isClosed) return;
    isOpening = true;
    env.clearTimeout(next);
    if (!socket) state.set({ status: "connecting", attempt });
    try {
      const until = () => tokens.get().then((token) => Math.min(env.now() + LIFETIME_MS, token.endsAt));
      if (!socket || (await until()) > endsAt) {
        const { ticket, websocket_url } = await post("/v1/ticket", {});
        await connect(`${websocket_url}?token=${encodeURIComponent(ticket)}`, await until());
      }
    } catch (error) {
      failed(error as TidemarkError);
    } finally {
      isOpening = false;
    }
  }

  function connect(url: string, end: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const opening = openSocket(url, env, {
        opened() {
          adopt(opening, end);
          resolve();
        },
        received(message) {
          if (message.type === "error" && /^(token_expired|unauthorized)$/.test(message.code)) {
            tokens.refuse();
            opening.close();
          } else on.received(message);
        },
        ended() {
          reject(lost());
          if (opening !== socket) return;
          socket = undefined;
          env.clearTimeout(last);
          if (env.now() - openedAt > SETTLED_MS) attempt = 0;
          if (isClosed) return;
          on.lost();
          if (isOpening) state.set({ status: "connecting", attempt });
          else failed(lost());
        },
      });
    });
  }

  function adopt(opened: Socket, end: number): void {
    if (isClosed) {
      opened.close();
      return;
    }
    const before = socket;
    leave = () => before?.close();
    env.setTimeout(leave, CATCH_UP_MS);
    socket = opened;
    isOpening = false;
    openedAt = env.now();
    endsAt = end;
    // A token that seems to have ended and was taken all the same: the clock here is wrong, and says nothing.
    const life = end > openedAt ? end - openedAt : LIFETIME_MS;
    env.clearTimeout(last);
    last = env.setTimeout(drop, life);
    schedule(life - marginOf(life) * (0.25 + 0.75 * env.random()));
    state.set({ status: "open", attempt });
    on.opened(opened);
  }

  function failed(error: TidemarkError): void {
    if (isClosed) return;
    const refused = isRefusal(error.code);
    const wait = refused
      ? REFUSED_MS * (1 + env.random())
      : Math.max(error.retryAfter ?? 0, fullJitter(env.random, attempt));
    attempt++;
    schedule(wait);
    if (socket) return; // it was a renewal that failed
    const status = refused ? "refused" : env.navigator.onLine === false ? "offline" : "waiting";
    state.set({ status, attempt, retryAt: env.now() + wait, error: describe(error) });
  }

  function drop(): void {
    socket?.close();
  }

  function watch(): void {
    const due = env.now() + TICK_MS;
    tick = env.setTimeout(() => {
      if (env.now() - due > SLEPT_MS) {
        drop();
        wake();
      }
      watch();
    }, TICK_MS);
  }

  function wake(ms = 0): void {
    if (!socket) schedule(env.random() * ms);
  }

  watch();
  open();
  return {
    state,
    socket: () => socket,
    wake,
    drop,
    close() {
      isClosed = true;
      for (const timer of [next, last, tick]) env.clearTimeout(timer);
      leave();
      drop();
      state.set({ status: "closed", attempt });
    },
  };
}
