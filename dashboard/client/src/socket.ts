import type { Environment } from "./environment.ts";
import { lost, TidemarkError } from "./errors.ts";
import { ANSWER_MS, OPEN_MS, PING_MS } from "./timing.ts";
import type { Incoming } from "./wire.ts";

/** One connection, from its opening to its end. */
export interface Socket {
  /**
   * Send an action; resolves to what `collect` makes of the answers (undefined: more is to come), by default the first.
   * Rejects with the server's error, `timeout`, or `connection_lost`.
   */
  ask<T = Incoming>(action: string, fields?: object, collect?: (message: Incoming) => T | undefined): Promise<T>;
  close(): void;
}

export interface SocketEvents {
  opened(): void;
  /** What answers no request of ours that still waits. */
  received(message: Incoming): void;
  /** Once, however it ends. */
  ended(): void;
}

const ANSWERS = /^(subscribed|unsubscribed|ack|listening|acknowledged|notified|pong)$/;

interface Request {
  take(message: Incoming): void;
  reject(error: TidemarkError): void;
}

export function openSocket(url: string, env: Environment, on: SocketEvents): Socket {
  const raw = new env.WebSocket(url);
  const pending = new Map<string, Request>();
  let lastId = 0;
  let heardAt = 0;
  let isEnded = false;
  let timer = env.setTimeout(end, OPEN_MS);

  function end(): void {
    if (isEnded) return;
    isEnded = true;
    env.clearTimeout(timer);
    raw.onopen = raw.onmessage = raw.onclose = null;
    raw.close();
    fail(lost());
    on.ended();
  }

  function fail(error: TidemarkError): void {
    for (const request of [...pending.values()]) request.reject(error);
  }

  function heard(): void {
    heardAt = env.now();
    env.clearTimeout(timer);
    timer = env.setTimeout(() => {
      ask("ping").catch(() => {});
      heard();
    }, PING_MS);
  }

  function receive(text: unknown): void {
    let message: Incoming;
    try {
      message = JSON.parse(text as string);
      // Without a type it is the gateway's own: {"message": "Internal server error", "connectionId", "requestId"}
      if (!message.type) message = { ...message, type: "error", code: "internal" };
    } catch {
      return; // cut short: what it was is missed, which the checksums and positions show
    }
    heard();
    const request = pending.get(message.id);
    if (message.type !== "error") request ? request.take(message) : on.received(message);
    else {
      const { code, message: text, request_id, requestId } = message;
      const error = new TidemarkError(code, text, request_id ?? requestId);
      if (request) request.reject(error);
      else if (!message.id) fail(error); // cannot name its request: any of them
      on.received(message);
    }
  }

  function ask<T>(action: string, fields?: object, collect?: (message: Incoming) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      if (isEnded) return reject(lost());
      const id = `${++lastId}`;
      const sentAt = env.now();
      const expire = () => {
        // Nothing at all has come: the line is dead. Else this one answer got lost.
        if (heardAt < sentAt) end();
        else request.reject(new TidemarkError("timeout", `No answer to ${action}`));
      };
      let deadline = env.setTimeout(expire, ANSWER_MS);
      const settle = () => {
        env.clearTimeout(deadline);
        pending.delete(id);
      };
      const request: Request = {
        take(message) {
          try {
            const result = collect ? collect(message) : ANSWERS.test(message.type) ? (message as T) : undefined;
            env.clearTimeout(deadline);
            if (result === undefined) deadline = env.setTimeout(expire, ANSWER_MS);
            else {
              settle();
              resolve(result);
            }
          } catch (error) {
            request.reject(error as TidemarkError);
          }
        },
        reject(error) {
          settle();
          reject(error);
        },
      };
      pending.set(id, request);
      raw.send(JSON.stringify({ action, id, ...fields }));
    });
  }

  raw.onopen = () => {
    heard();
    on.opened();
  };
  raw.onmessage = (event) => receive(event.data);
  raw.onclose = end;
  return { ask, close: end };
}
