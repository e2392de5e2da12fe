/**
 * An in-memory server that speaks docs/protocol.md, and that drops, duplicates, reorders, delays, truncates, closes, lies and
 * refuses at will. It never lies about what no client could find out: content and checksum that fit, at a wrong position.
 */
import type { Chance } from "./chance.ts";
import type { Clock } from "./clock.ts";
import { canonical, changed, checksumsOf, diff, initial, type Json } from "./documents.ts";
import { Inbox } from "./inbox.ts";
import { type Fault, twisted } from "./lies.ts";
import { FakeSocket } from "./socket.ts";

interface ServerView {
  epoch: string;
  seq: number;
  sections: Json;
  log: Json[];
}

const PART = 60; // characters, so that most sections travel in parts
const LOG = 20;
const ERRORS = [
  "throttled",
  "unavailable",
  "internal",
  "too_many_views",
  "unknown_dashboard",
  "forbidden",
  "token_expired",
];

export const keyOf = ({ dashboard, days = 30, to = "" }: Json): string => `${dashboard}|${days}|${to}`;

export class AdversarialServer {
  /** How likely each fault is, each time that it could happen; 0 is a calm server. */
  rage = 0;
  /** Only these faults. */
  only?: readonly Fault[] | undefined;
  readonly views = new Map<string, ServerView>();
  /** Every state there ever was: its canonical JSON by view and position. */
  readonly history = new Map<string, string>();
  readonly sockets = new Set<FakeSocket>();
  readonly inbox = new Inbox();
  /** Event ids in the order of their first arrival. */
  readonly events = new Map<string, Json>();
  requests = 0;
  /** Characters sent over sockets. */
  sentBytes = 0;
  /** What the fault "error" answers. */
  errors: readonly string[] = ERRORS;
  /** Events of this type are rejected. */
  invalid = "";
  /** The fault "silence" is that of sockets alone. */
  silent: "all" | "socket" = "all";
  /** How far the server's clock is ahead of the page's. */
  clockSkewMs = 0;
  epochs = 0;
  /** Called with every fault that happens. */
  onFault: (fault: Fault) => void = () => {};

  constructor(
    readonly clock: Clock,
    readonly chance: Chance,
  ) {}

  fault(name: Fault): boolean {
    if (this.only && !this.only.includes(name)) return false;
    if (!this.chance.happens(this.rage)) return false;
    this.onFault(name);
    return true;
  }

  viewOf(view: Json): ServerView {
    const key = keyOf(view);
    const found = this.views.get(key) ?? {
      epoch: `e${++this.epochs}`,
      seq: 1,
      sections: initial(this.chance),
      log: [],
    };
    if (!this.views.has(key)) this.#remember(key, found);
    this.views.set(key, found);
    return found;
  }

  #now(): number {
    return this.clock.now() + this.clockSkewMs;
  }

  #remember(key: string, view: ServerView): void {
    this.history.set(`${key}|${view.epoch}|${view.seq}`, canonical(view.sections));
  }

  /** Something happened: the view moves, and those who watch hear of it. */
  commit(view: Json): void {
    const state = this.viewOf(view);
    const sections = changed(state.sections, this.chance);
    const patch = diff(state.sections, sections);
    const { full } = checksumsOf(sections);
    const { epoch, seq } = state;
    const delta = {
      type: "delta",
      view,
      epoch,
      base: seq,
      seq: seq + 1,
      patch,
      checksums: { full },
      generated_at: "2026-11-22T10:00:00Z",
    };
    state.sections = sections;
    state.seq++;
    state.log = [...state.log, delta].slice(-LOG);
    this.#remember(keyOf(view), state);
    for (const socket of this.sockets) if (socket.subscribed.has(keyOf(view))) this.send(socket, delta);
  }

  /** The view starts again under another epoch, as after its log was lost. */
  restart(view: Json): void {
    const state = this.viewOf(view);
    Object.assign(state, {
      epoch: `e${++this.epochs}`,
      seq: this.chance.below(5),
      sections: changed(state.sections, this.chance),
      log: [],
    });
    this.#remember(keyOf(view), state);
  }

  /** Somebody writes to the user. */
  notify(thread?: string): void {
    const message = this.inbox.put(thread);
    for (const socket of this.sockets) if (socket.isListening) this.send(socket, message);
  }

  /** Send a message, honestly or not. */
  send(socket: FakeSocket, message: Json): void {
    if (this.fault("close")) socket.die();
    if (this.fault("drop")) return;
    let text = JSON.stringify(twisted(message, this));
    if (this.fault("truncate")) text = text.slice(0, this.chance.below(text.length));
    if (this.fault("garble"))
      text = this.chance.pick(["", "null", "[]", "17", '{"type":5}', '{"type":"delta"}', '{"type":"section"}']);
    if (this.fault("stranger"))
      socket.deliver(JSON.stringify({ type: "news", id: message.id, text: "unknown" }), 0, true);
    const late = this.fault("delay") ? this.chance.below(30_000) : 0;
    this.sentBytes += text.length;
    socket.deliver(text, late, !this.fault("reorder"));
    if (this.fault("duplicate")) socket.deliver(text, this.chance.below(3000), false);
  }

  receive(socket: FakeSocket, request: Json): void {
    this.requests++;
    if (this.fault("silence")) return;
    for (const answer of this.#reply(socket, request))
      this.send(socket, { ...answer, ...(answer.type && !/delta|message/.test(answer.type) && { id: request.id }) });
  }

  #reply(socket: FakeSocket, request: Json): Iterable<Json> {
    const error = (code: string) => [{ type: "error", code, message: code, request_id: "r" }];
    if (this.#now() >= socket.until) return error("token_expired");
    if (this.fault("error")) return error(this.chance.pick(this.errors));
    if (this.fault("gateway")) return [{ message: "Internal server error", connectionId: "c", requestId: "r" }];
    return this.#answers(socket, request);
  }

  *#answers(socket: FakeSocket, request: Json): Generator<Json> {
    const { action, view, position, have, events, id } = request;
    if (action === "listen" || action === "acknowledge") yield* this.inbox.answers(socket, request);
    else if (action === "track") yield this.#track(events);
    else if (action === "ping") yield { type: "pong" };
    else if (action === "unsubscribe") {
      socket.subscribed.delete(keyOf(view));
      yield { type: "unsubscribed", view };
    } else {
      const state = this.viewOf(view);
      const here = { epoch: state.epoch, seq: state.seq };
      const sums = checksumsOf(state.sections);
      if (action === "subscribe") {
        const missed = state.log.filter(({ seq }) => seq > position.seq);
        const recovered = position.epoch === here.epoch && missed.length === here.seq - position.seq;
        socket.subscribed.add(keyOf(view));
        yield { type: "subscribed", view, position: here, checksums: { full: sums.full }, recovered };
        if (!recovered) return;
        if (!this.fault("half")) yield* missed;
        else if (this.chance.happens(0.5)) yield { type: "error", id, code: "unavailable", message: "half way" };
      } else {
        const differing = Object.keys(state.sections).filter((name) => have?.[name] !== sums[name]);
        const isSame = position && !differing.length && Object.keys(have ?? {}).every((name) => name in state.sections);
        const isHere = position?.epoch === here.epoch && position.seq === here.seq;
        yield {
          type: action === "bootstrap" ? "snapshot" : "reconciled",
          view,
          position: here,
          checksums: action === "reconcile" && isSame ? { full: sums.full } : sums,
          sections: differing,
          generated_at: "2026-11-22T10:00:00Z",
          ...(action === "reconcile" && {
            verdict: isHere ? (isSame ? "current" : "diverged") : "behind",
            subscribed: socket.subscribed.has(keyOf(view)),
          }),
        };
        for (const name of differing) yield* parts(name, state.sections[name]);
      }
    }
  }

  #track(events: Json[]): Json {
    const kept = this.fault("half") ? events.slice(0, this.chance.below(events.length)) : events;
    const accepted: string[] = [];
    const rejected: Json[] = [];
    kept.forEach(({ event_id, type }, index) => {
      if (type === this.invalid) rejected.push({ event_id, index, code: "invalid_event", message: "invalid" });
      else accepted.push(event_id);
      if (type !== this.invalid && !this.events.has(event_id)) this.events.set(event_id, events[index]);
    });
    return { type: "ack", accepted, rejected };
  }

  /** The HTTP API. */
  readonly fetch = (url: string, init: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      this.requests++;
      init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      if (this.silent === "all" && this.fault("silence")) return;
      const wait = 5 + this.chance.below(60);
      this.clock.setTimeout(() => {
        if (this.fault("drop")) reject(new TypeError("Failed to fetch"));
        else resolve(this.#route(new URL(url).pathname, init));
      }, wait);
    });

  #route(path: string, init: RequestInit): Response {
    const answer = (status: number, body: Json, headers = {}) =>
      new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
    const token = new Headers(init.headers).get("Authorization")?.slice(7) ?? "";
    const { exp } = JSON.parse(atob(token.split(".")[1] ?? "e30="));
    if (this.fault("http"))
      return this.chance.pick([
        () => answer(500, "<html>"),
        () => answer(503, { code: "unavailable", message: "!" }, { "Retry-After": "7" }),
        () => answer(200, "null"),
      ])();
    if (this.fault("ticket") || exp * 1000 <= this.#now())
      return answer(401, { code: "token_expired", message: "The token has expired" });
    if (path === "/api/v1/ticket")
      return answer(200, { ticket: `${exp}`, expires_in_seconds: 60, websocket_url: "ws://server/live" });
    const body = JSON.parse(init.body as string);
    if (path.endsWith("/notify"))
      return answer(200, { message_id: body.message_id, delivery: "inbox", connections: 0 });
    const { accepted, rejected } = this.#track(body.batch);
    return answer(accepted.length ? 200 : 400, { success: accepted.length > 0, accepted: accepted.length, rejected });
  }

  /** The WebSocket class of this server. */
  get WebSocket(): new (
    url: string,
  ) => FakeSocket {
    const server = this;
    return class extends FakeSocket {
      constructor(url: string) {
        super(server, url);
      }
    };
  }
}

function* parts(section: string, data: Json): Generator<Json> {
  const text = JSON.stringify(data);
  const count = Math.ceil(text.length / PART);
  if (count === 1) yield { type: "section", section, part: 0, parts: 1, data };
  else
    for (let part = 0; part < count; part++)
      yield { type: "section", section, part, parts: count, data: text.slice(part * PART, (part + 1) * PART) };
}
