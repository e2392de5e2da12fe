// One WebSocket that comes back: requests answered by id, pings, early renewal, reconnects with full jitter.

const PING_MS = 4 * 60_000; // API Gateway ends a connection after 10 minutes without a message,
const LIFETIME_MS = 100 * 60_000; // and after 2 hours in any case: renew before, not all at the same moment
const ANSWER_MS = 20_000;

/** Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): uniform up to 1 s, 2 s, 4 s … 30 s. */
export const backoffMs = (attempt) => Math.random() * Math.min(30_000, 1000 * 2 ** attempt);

/** An error that the server reported, with its stable code. */
export class ServerError extends Error {
  constructor({ code = "internal", message = "The server failed", request_id: requestId }) {
    super(message);
    Object.assign(this, { code, requestId });
  }
}

/** The connection went before the answer came; a reconnect is under way. */
export class ConnectionLost extends Error {}

export class Wire {
  #url; #on; #socket = null; #pending = new Map(); #lastId = 0; #attempt = 0; #timers = [];

  /** `on` has opened(), closed(everOpened) and message(message), for what answers no request. */
  constructor(url, on) {
    this.#url = url;
    this.#on = on;
  }

  open() {
    this.#stop();
    const socket = (this.#socket = new WebSocket(this.#url));
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.#timers.push(
        setInterval(() => this.ask({ action: "ping" }).catch(() => {}), PING_MS),
        setTimeout(() => this.#lost(true), LIFETIME_MS * (1 + Math.random() * 0.15)),
      );
      this.#on.opened();
    };
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = () => this.#lost(opened);
  }

  /** Close for good. */
  close() {
    this.#stop();
  }

  /** The network or the viewer is back: do not wait for the next try, or find out now whether the line is dead. */
  wake() {
    if (this.#socket) this.ask({ action: "ping" }).catch(() => {});
    else if (this.#timers.length) this.open();
  }

  /** The connection has proved useful: the next loss starts with a short wait again. */
  settled() {
    this.#attempt = 0;
  }

  /** Send a request; resolves to its answers once `isDone(answers)`. Rejects with ServerError or ConnectionLost. */
  ask(request, isDone = () => true) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return reject(new ConnectionLost());
      const id = String(++this.#lastId);
      const wait = () => setTimeout(() => this.#lost(true), ANSWER_MS); // no answer: the line is dead
      this.#pending.set(id, { answers: [], isDone, resolve, reject, wait, timer: wait() });
      this.#socket.send(JSON.stringify({ ...request, id }));
    });
  }

  #receive(message) {
    if (!message.type) message = { type: "error", message: message.message, request_id: message.requestId }; // the gateway's own
    const request = this.#pending.get(message.id);
    if (!request) return this.#on.message(message);
    clearTimeout(request.timer);
    request.answers.push(message);
    const failed = message.type === "error";
    if (!failed && !request.isDone(request.answers)) {
      request.timer = request.wait();
      return;
    }
    this.#pending.delete(message.id);
    if (failed) request.reject(new ServerError(message));
    else request.resolve(request.answers);
  }

  #lost(opened) {
    this.#stop();
    this.#timers.push(setTimeout(() => this.open(), backoffMs(this.#attempt++)));
    this.#on.closed(opened);
  }

  #stop() {
    this.#timers.splice(0).forEach(clearTimeout); // clears intervals as well
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    for (const request of this.#pending.values()) {
      clearTimeout(request.timer);
      request.reject(new ConnectionLost());
    }
    this.#pending.clear();
  }
}
