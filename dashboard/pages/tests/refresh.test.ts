import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EVERY_MS, GAP_MS, type Outcome, problemOf, Refresh, TIMEOUT_MS } from "../src/admin/refresh.ts";
import { ApiError } from "../src/api.ts";

interface Request {
  at: number;
  signal: AbortSignal;
  answer: (text: string) => void;
  fail: (error: unknown) => void;
}

describe("a refresh", () => {
  let requests: Request[];
  let told: Outcome<string>[];
  let isSeen: boolean;
  let refresh: Refresh<string>;
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const last = () => requests.at(-1) as Request;

  beforeEach(async () => {
    vi.useFakeTimers({ now: 1_000_000 });
    [requests, told, isSeen] = [[], [], true];
    const load = (signal: AbortSignal) =>
      new Promise<string>((answer, fail) => {
        requests.push({ at: Date.now(), signal, answer, fail });
        signal.addEventListener("abort", () => fail(signal.reason));
      });
    refresh = new Refresh({ load, told: (outcome) => told.push(outcome), isSeen: () => isSeen });
    await pass(0);
  });
  afterEach(() => {
    refresh.stop();
    vi.useRealTimers();
  });

  it("loads at once, and again a while after each answer", async () => {
    expect(requests).toHaveLength(1);
    await pass(3000);
    expect(requests).toHaveLength(1);
    last().answer("one");
    await pass(EVERY_MS - 1);
    expect(told).toEqual([{ data: "one", at: 1_003_000 }]);
    expect(requests).toHaveLength(1);
    await pass(1);
    expect(requests).toHaveLength(2);
  });

  it("loads sooner when nudged, but not more often than it may", async () => {
    last().answer("one");
    await pass(GAP_MS / 2);
    for (let times = 0; times < 9; times++) refresh.nudge();
    await pass(GAP_MS / 2 - 1);
    expect(requests).toHaveLength(1);
    await pass(1);
    expect(requests).toHaveLength(2);
  });

  it("asks again when it was nudged while an answer was on its way, which may be too old", async () => {
    await pass(GAP_MS);
    refresh.nudge();
    await pass(GAP_MS);
    expect(requests).toHaveLength(1); // one at a time
    last().answer("old");
    await pass(0);
    expect(requests).toHaveLength(2);
    last().answer("new");
    await pass(EVERY_MS - 1);
    expect(requests).toHaveLength(2);
    expect(told.map((outcome) => "data" in outcome && outcome.data)).toEqual(["old", "new"]);
  });

  it("waits longer after each failure, and not after an answer", async () => {
    const waits: number[] = [];
    for (let times = 0; times < 6; times++) {
      const failedAt = Date.now();
      const before = requests.length;
      last().fail(new TypeError("no network"));
      while (requests.length === before) await pass(500);
      waits.push(Date.now() - failedAt);
    }
    expect(waits).toEqual([10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
    last().answer("back");
    const before = requests.length;
    await pass(EVERY_MS);
    expect(requests).toHaveLength(before + 1);
  });

  it("asks nothing while nobody looks, and at once when somebody does", async () => {
    last().answer("one");
    isSeen = false;
    await pass(10 * EVERY_MS);
    expect(requests).toHaveLength(1);
    isSeen = true;
    refresh.nudge();
    await pass(0);
    expect(requests).toHaveLength(2);
  });

  it("gives up an answer that does not come", async () => {
    await pass(TIMEOUT_MS);
    expect(last().signal.aborted).toBe(true);
    expect(told).toEqual([{ problem: expect.objectContaining({ code: "timeout" }) }]);
  });

  it("that is stopped aborts its request, tells nothing, and asks nothing any more", async () => {
    refresh.stop();
    expect(last().signal.aborted).toBe(true);
    refresh.nudge();
    await pass(10 * EVERY_MS);
    expect(requests).toHaveLength(1);
    expect(told).toEqual([]);
  });
});

describe("a problem", () => {
  it("is what the server said, or that it could not be reached", () => {
    const error = new ApiError({ code: "wrong_state", message: "no", request_id: "r" }, 409);
    expect(problemOf(error)).toBe(error);
    expect(problemOf(new TypeError("fetch failed"))).toMatchObject({ code: "unreachable" });
    expect(problemOf(new DOMException("gone", "AbortError"))).toMatchObject({ code: "timeout" });
  });
});
