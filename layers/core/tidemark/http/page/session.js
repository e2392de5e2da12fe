// Keeps the watched view exact over a wire: bootstrap, subscribe, apply deltas, and start over when anything is off.

import { holds } from "./checksum.js";
import { applyDelta, applySnapshot, isComplete } from "./state.js";
import { ConnectionLost, ServerError, backoffMs } from "./wire.js";

const CATCH_UP_MS = 5000; // the missed deltas follow at once; a server that dies between leaves a gap that shows nowhere

const keyOf = (view) => `${view.dashboard}:${view.days}`;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Session {
  #wire; #on; #view = null; #states = new Map(); #deltas = []; #run = 0; #failures = 0; #isLive = false; #isDraining = false;

  /** `on` has changed(state, isDelta), live() and failed(error), which answers whether to try again. */
  constructor(wire, on) {
    this.#wire = wire;
    this.#on = on;
  }

  /** Watch another view; what is held of it shows at once and is brought up to date. */
  watch(view) {
    if (this.#view) this.#wire.ask({ action: "unsubscribe", view: this.#view }).catch(() => {});
    this.#view = view;
    if (this.#state) this.#on.changed(this.#state, false);
    this.connected();
  }

  /** The wire is open: resume from the position held, or bootstrap. */
  connected() {
    this.#deltas = [];
    this.#failures = 0;
    this.#sync(false);
  }

  disconnected() {
    this.#run++;
    this.#isLive = false;
  }

  /** Take in a message that answers no request. */
  received(message) {
    if (message.type === "error") this.#on.failed(new ServerError(message));
    if (message.type !== "delta" || keyOf(message.view) !== keyOf(this.#view)) return;
    this.#deltas.push(message); // also before `subscribed`, or during a bootstrap: sorted out by the position
    this.#drain();
  }

  get #state() {
    return this.#states.get(keyOf(this.#view));
  }

  #keep(state, isDelta) {
    this.#states.set(keyOf(this.#view), state);
    this.#on.changed(state, isDelta);
  }

  async #sync(startOver) {
    const run = ++this.#run;
    const view = this.#view;
    this.#isLive = false;
    try {
      if (this.#failures > 1) await sleep(backoffMs(this.#failures - 1));
      if (run !== this.#run) return;
      if (startOver || !this.#state) {
        const state = await this.#bootstrap(view, this.#state);
        if (run !== this.#run) return;
        this.#keep(state, false);
      }
      const { epoch, seq } = this.#state;
      const [answer] = await this.#wire.ask({ action: "subscribe", view, position: { epoch, seq } });
      if (run !== this.#run) return;
      if (!answer.recovered) return this.#resync();
      if (answer.position.seq > seq) setTimeout(() => this.#caughtUp(run, answer.position.seq), CATCH_UP_MS);
    } catch (error) {
      // A lost connection comes back by itself, and then calls connected().
      if (run !== this.#run || error instanceof ConnectionLost || !this.#on.failed(error)) return;
      this.#failures ||= 1; // what failed is not retried at once
      return this.#resync();
    }
    this.#isLive = true;
    this.#wire.settled();
    this.#on.live();
    this.#drain();
  }

  /** Start over unless the missed deltas up to `seq` have come. */
  #caughtUp(run, seq) {
    if (run === this.#run && this.#state.seq < seq) this.#resync();
  }

  /** Bootstrap again, at once the first time, then ever more slowly until a delta applies. */
  #resync() {
    this.#failures++;
    this.#sync(true);
  }

  async #bootstrap(view, held) {
    const { full, ...have } = held?.checksums ?? {};
    const answers = await this.#wire.ask({ action: "bootstrap", view, ...(held && { have }) }, isComplete);
    const state = applySnapshot(held, answers);
    if (await holds(state, Object.keys(state.checksums).filter((name) => name !== "full"))) return state;
    if (held) return this.#bootstrap(view, null);
    throw new ServerError({ code: "checksum_mismatch", message: "The snapshot does not match its checksums" });
  }

  async #drain() {
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      while (this.#isLive && this.#deltas.length) await this.#apply(this.#deltas.shift());
    } finally {
      this.#isDraining = false;
    }
  }

  async #apply(delta) {
    const run = this.#run;
    const next = applyDelta(this.#state, delta);
    if (next === this.#state) return;
    const isExact = next !== null && (await holds(next, Object.keys(delta.patch)));
    if (run !== this.#run) return; // the view or the connection changed while hashing
    if (!isExact) return this.#resync();
    this.#failures = 0;
    this.#keep(next, true);
  }
}
