import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Client, View, ViewState } from "../../client/src/index.ts";
import { maySpeculate, type Network, neighbours, Speculation } from "../src/speculation.ts";
import { type Store, storeOf } from "../src/store.ts";
import { memoryStorage } from "./memory-storage.ts";

/** A client that answers a prefetch when the test says so. */
class Prefetches {
  readonly asked: { view: View; signal: AbortSignal | undefined; answer: (isThere: boolean) => void }[] = [];
  readonly recorded: string[] = [];

  readonly client = {
    prefetch: (view: View, signal?: AbortSignal) =>
      new Promise<ViewState>((resolve, reject) => {
        const answer = (isThere: boolean) => (isThere ? resolve({} as ViewState) : reject(new Error("gone")));
        signal?.addEventListener("abort", () => reject(signal.reason));
        this.asked.push({ view, signal, answer });
      }),
    lifecycle: (type: string) => void this.recorded.push(type),
  } as unknown as Client;

  names(): string[] {
    return this.asked.map(({ view }) => `${view.dashboard}:${view.days}`);
  }
}

const WEB_30 = { dashboard: "web", days: 30 };
const WEB_90 = { dashboard: "web", days: 90 };
let fetched: Prefetches;
let store: Store;
const started = (network?: Network) => new Speculation(fetched.client, () => network, { store, name: "fetched.demo" });

beforeEach(() => {
  vi.useFakeTimers();
  fetched = new Prefetches();
  const storage = memoryStorage();
  store = storeOf(() => storage);
});
afterEach(() => {
  vi.useRealTimers();
});

describe("fetching ahead", () => {
  it.each<[Network | undefined, boolean]>([
    [undefined, true],
    [{ effectiveType: "4g" }, true],
    [{ effectiveType: "3g", saveData: false }, true],
    [{ effectiveType: "2g" }, false],
    [{ effectiveType: "slow-2g" }, false],
    [{ effectiveType: "4g", saveData: true }, false],
  ])("on %j: %s", async (network, may) => {
    expect(maySpeculate(network)).toBe(may);
    void started(network).fetch([WEB_30]);
    expect(fetched.names()).toEqual(may ? ["web:30"] : []);
  });

  it("prefers the other dashboards, then the periods beside", () => {
    expect(neighbours(WEB_30, ["web", "meetings", "lifecycle"])).toEqual([
      { dashboard: "meetings", days: 30 },
      { dashboard: "lifecycle", days: 30 },
      { dashboard: "web", days: 90 },
      { dashboard: "web", days: 7 },
    ]);
    expect(neighbours({ dashboard: "web", days: 365 }, ["web"])).toEqual([{ dashboard: "web", days: 90 }]);
    expect(neighbours({ dashboard: "web", days: 13 }, ["web"])).toEqual([]);
  });

  it("goes one by one, each view once, and records that it does", async () => {
    const speculation = started();
    void speculation.fetch([WEB_30, WEB_90]);
    expect(fetched.names()).toEqual(["web:30"]);
    fetched.asked[0]?.answer(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(fetched.names()).toEqual(["web:30", "web:90"]);
    fetched.asked[1]?.answer(true);
    await vi.advanceTimersByTimeAsync(0);
    await speculation.fetch([WEB_30, WEB_90]);
    expect(fetched.names()).toHaveLength(2);
    expect(fetched.recorded).toEqual(["prefetch_tabs"]);
  });

  it("asks for nothing again after a reload, until what it has is old", async () => {
    const done = started().fetch([WEB_30]);
    fetched.asked[0]?.answer(true);
    await done;
    void started().fetch([WEB_30]);
    expect(fetched.names()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(600_000);
    void started().fetch([WEB_30]);
    expect(fetched.names()).toHaveLength(2);
  });

  it.each(["{", "null", "5", '{"web:30:":"x"}'])("takes %j for nothing fetched", (kept) => {
    store.set("fetched.demo", kept);
    void started().fetch([WEB_30]);
    expect(fetched.names()).toEqual(["web:30"]);
  });

  it("gives up what is under way when something is chosen, and may fetch it later", async () => {
    const speculation = started();
    const done = speculation.fetch([WEB_30, WEB_90]);
    speculation.stop();
    await done;
    expect(fetched.asked[0]?.signal?.aborted).toBe(true);
    expect(fetched.names()).toEqual(["web:30"]);
    void speculation.fetch([WEB_30]);
    expect(fetched.names()).toEqual(["web:30", "web:30"]);
  });

  it("tries again what failed", async () => {
    const speculation = started();
    const done = speculation.fetch([WEB_30]);
    fetched.asked[0]?.answer(false);
    await done;
    void speculation.fetch([WEB_30]);
    expect(fetched.names()).toEqual(["web:30", "web:30"]);
  });

  it("begins when the pointer rests, not when it passes", () => {
    const speculation = started();
    speculation.rest(WEB_30);
    vi.advanceTimersByTime(60);
    speculation.leave();
    vi.advanceTimersByTime(1000);
    expect(fetched.names()).toEqual([]);
    speculation.rest(WEB_90);
    vi.advanceTimersByTime(200);
    expect(fetched.names()).toEqual(["web:90"]);
  });
});
