/** Virtual time: timers fire in order when the test advances, each followed by everything that it sets off. */

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Rounds of the event loop in which what a timer set off comes to rest: fake-indexeddb takes one a step. */
const ROUNDS = 8;

export async function settle(rounds = ROUNDS): Promise<void> {
  for (let round = 0; round < rounds; round++) await new Promise((resolve) => setImmediate(resolve));
}

export class Clock {
  #now: number;
  #last = 0;
  readonly #timers = new Map<number, Timer>();

  constructor(
    start = Date.UTC(2026, 10, 22, 10),
    private readonly rounds = ROUNDS,
  ) {
    this.#now = start;
  }

  readonly now = (): number => this.#now;

  readonly setTimeout = (callback: () => void, ms: number): number => {
    const order = ++this.#last;
    this.#timers.set(order, { at: this.#now + Math.max(0, ms), order, callback });
    return order;
  };

  readonly clearTimeout = (timer: unknown): void => {
    this.#timers.delete(timer as number);
  };

  get pending(): number {
    return this.#timers.size;
  }

  /** Let `ms` pass; `asleep`: all at once, as on a laptop that slept, with what was due firing late. */
  async advance(ms: number, asleep = false): Promise<void> {
    const end = this.#now + ms;
    if (asleep) this.#now = end;
    await settle(this.rounds);
    for (let timer = this.#due(end); timer; timer = this.#due(end)) {
      this.#timers.delete(timer.order);
      this.#now = Math.max(this.#now, timer.at);
      timer.callback();
      await settle(this.rounds);
    }
    this.#now = end;
  }

  #due(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers.values())
      if (timer.at <= end && (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)))
        first = timer;
    return first;
  }
}
