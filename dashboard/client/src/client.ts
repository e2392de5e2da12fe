import { type Connection, type ConnectionState, createConnection } from "./connection.ts";
import { type Environment, environmentOf, newId } from "./environment.ts";
import { TidemarkError } from "./errors.ts";
import { createPost } from "./http.ts";
import { createLifecycle, type LifecycleType } from "./lifecycle.ts";
import { createMessages, type MessageHandler } from "./messages.ts";
import { createQueue, type EventFields, type QueueState } from "./queue.ts";
import type { Readable } from "./readable.ts";
import type { Socket } from "./socket.ts";
import { createStorage, memoryStorage } from "./storage.ts";
import { LAZY_MS, SPREAD_MS } from "./timing.ts";
import { createTokens } from "./tokens.ts";
import type { Context, ViewState, Watch } from "./view.ts";
import { createWatch } from "./watch.ts";
import { keyOf, normalize, type View } from "./wire.ts";

export interface Options {
  /** `http_url` of the stack. */
  url: string;
  workspace: string;
  /** Asked at the start, and again before the token ends (its `exp`) or when it is refused. */
  token: () => string | Promise<string>;
  /** Keep snapshots and unsent events in IndexedDB (default true). */
  storage?: boolean;
  /** Record the lifecycle events (default true). */
  lifecycle?: boolean;
  /** Clock, timers, network … for tests. */
  environment?: Partial<Environment>;
}

/** A view in use. */
export interface LiveView extends Readable<ViewState> {
  /** End the use; the view ends with its last one. */
  close(): void;
}

export interface Client {
  readonly connection: Readable<ConnectionState>;
  /** Keep a view up to date; equal views share one state. */
  view(view: View): LiveView;
  /** Bring a view once, without subscribing; it is kept on disk. Rejects with TidemarkError, or the signal's reason. */
  prefetch(view: View, signal?: AbortSignal): Promise<ViewState>;
  /** Queue an event, which is kept until the server has it; returns its id. */
  track(type: string, properties?: object, fields?: EventFields): string;
  readonly queue: Readable<QueueState>;
  /** Send what is queued; resolves when all is sent or a try has failed. */
  flush(): Promise<void>;
  /** Record a lifecycle event that only the page knows of. */
  lifecycle(type: LifecycleType, properties?: object): void;
  /** Receive the messages to the token's user, of a thread or all; each is acknowledged after the handler is done with it. */
  listen(handler: MessageHandler, thread?: string): () => void;
  /** Send a message to a user (admin tokens). Rejects with TidemarkError; to repeat it, repeat the `message_id`. */
  notify(
    to: { user: string; thread?: string; message_id?: string },
    body: object,
  ): Promise<{ message_id: string; delivery: "thread" | "user" | "inbox"; connections: number }>;
  /** Send what is queued, if possible, and end everything; with `forget`, also delete the views that are kept on disk. */
  close(forget?: boolean): Promise<void>;
}

/** Connect to a workspace. */
export function connect(options: Options): Client {
  const { url, workspace } = options;
  const env = environmentOf(options.environment);
  const storage = options.storage === false ? memoryStorage() : createStorage(`${url}|${workspace}`, env);
  const tokens = createTokens(options.token, env);
  const post = createPost(url, tokens, env);
  const watches = new Set<Watch>();
  const shared = new Map<string, Watch>();
  const each = (act: (watch: Watch) => void) => [...watches].forEach(act);
  const socket = (): Socket | undefined => connection?.socket();
  let connection: Connection | undefined;

  const queue = createQueue(env, storage, post, socket, () => connection?.state.get().status === "refused");
  const lifecycle = createLifecycle(env, (type, properties, session_id) => {
    if (options.lifecycle !== false) queue.track(type, properties, { session_id }, LAZY_MS);
  });
  const messages = createMessages(env, socket);
  const context: Context = {
    env,
    storage,
    lifecycle,
    socket,
    isVisible: () => env.document?.visibilityState !== "hidden",
  };

  const opened = createConnection(env, post, tokens, {
    opened() {
      lifecycle.connected();
      each((watch) => watch.attach());
      messages.opened();
      if (queue.state.get().pending) queue.schedule(1000);
    },
    lost: () => each((watch) => watch.detach()),
    received(message) {
      each((watch) => watch.received(message));
      messages.received(message);
    },
  });
  connection = opened;

  function hide(): void {
    each((watch) => watch.save());
    lifecycle.flush();
    queue.flush();
  }
  function show(): void {
    if (context.isVisible()) {
      opened.wake();
      each((watch) => watch.shown());
    } else hide();
  }
  const hooks = [
    [env.document, "visibilitychange", show],
    [env.window, "pagehide", hide],
    [env.window, "online", () => opened.wake(SPREAD_MS)],
    [env.window, "offline", opened.drop],
  ] as const;
  for (const [target, type, listener] of hooks) target?.addEventListener(type, listener);

  function watch(view: View, disposed: () => void, isOnce?: true): Watch {
    const made = createWatch(
      view,
      context,
      () => {
        watches.delete(made);
        disposed();
      },
      isOnce,
    );
    watches.add(made);
    return made;
  }

  return {
    connection: opened.state,
    view(asked) {
      const view = normalize(asked);
      const key = keyOf(view);
      const found = shared.get(key) ?? watch(view, () => shared.delete(key));
      shared.set(key, found);
      return { ...found.state, close: found.use() };
    },
    prefetch(asked, signal) {
      const view = normalize(asked);
      const known = shared.get(keyOf(view))?.state.get();
      if (known?.status === "live") return Promise.resolve(known);
      return new Promise((resolve, reject) => {
        const once = watch(view, () => reject(new TidemarkError("closed", "The client is closed")), true);
        once.use();
        const abort = () => {
          reject(signal?.reason);
          once.dispose();
        };
        once.state.subscribe((state) => {
          if (state.status === "static") resolve({ ...state, status: view.to ? "static" : "cached" });
          else if (state.status === "error") reject(Object.assign(new TidemarkError("", ""), state.error));
          else return;
          signal?.removeEventListener("abort", abort);
          once.dispose();
        });
        if (signal?.aborted) abort();
        else signal?.addEventListener("abort", abort);
      });
    },
    track: (type, properties, fields) => queue.track(type, properties, fields),
    queue: queue.state,
    flush() {
      lifecycle.flush();
      return queue.flush();
    },
    lifecycle: (type, properties) => lifecycle.record(type, properties),
    listen: messages.listen,
    notify: ({ user, thread, message_id = newId(env) }, body) =>
      post(`/v1/workspaces/${encodeURIComponent(workspace)}/notify`, { user, thread, message_id, body }) as never,
    async close(forget) {
      lifecycle.flush();
      await queue.flush();
      for (const [target, type, listener] of hooks) target?.removeEventListener(type, listener);
      queue.close();
      messages.close();
      each((watch) => watch.dispose());
      opened.close();
      if (forget) await storage.forget();
    },
  };
}
