import { describe, expect, it } from "vitest";
import type { ConnectionState, ViewState } from "../../client/src/index.ts";
import { freshness, isAway, pageState, type Seen } from "../src/page-state.ts";
import { adviceFor, isRefusal } from "../src/problem.ts";

const NOW = 1_000_000;
const open: ConnectionState = { status: "open", attempt: 0 };
const waiting: ConnectionState = { status: "waiting", attempt: 3, retryAt: NOW + 3200 };
const view = (status: ViewState["status"], hasSections = true): ViewState => ({
  view: { dashboard: "web" },
  status,
  exact: true,
  changed: [],
  ...(hasSections && { sections: { kpis: {} } }),
});
const stateOf = (seen: Partial<Seen>) =>
  pageState({ view: view("live"), connection: open, problem: undefined, isOnline: true, now: NOW, ...seen });

describe("the page says", () => {
  it.each<[string, Partial<Seen>, string, string]>([
    ["what the server confirms", {}, "live", "Live"],
    ["that it waits", { view: view("stale"), connection: waiting }, "stale", "Reconnecting in 4 s"],
    ["that it waits with nothing to show", { view: undefined, connection: waiting }, "loading", "Reconnecting in 4 s"],
    [
      "that the wait is over",
      { view: view("stale"), connection: { ...waiting, retryAt: NOW } },
      "stale",
      "Reconnecting",
    ],
    [
      "that it tries again",
      { view: view("stale"), connection: { status: "connecting", attempt: 1 } },
      "stale",
      "Reconnecting",
    ],
    ["that something was missed", { view: view("stale") }, "stale", "Catching up"],
    ["that what it shows was saved", { view: view("cached") }, "stale", "Checking"],
    ["that saved numbers are on the way to be confirmed", { view: view("loading") }, "stale", "Checking"],
    ["that there is nothing yet", { view: view("loading", false) }, "loading", "Connecting"],
    ["that nothing is asked for yet", { view: undefined, connection: undefined }, "loading", "Connecting"],
    ["that there is no network", { isOnline: false }, "offline", "Offline"],
    ["that the SDK found no network", { connection: { status: "offline", attempt: 1 } }, "offline", "Offline"],
    ["what is wrong, before all else", { isOnline: false, problem: { code: "x", message: "" } }, "error", "Error"],
  ])("%s", (_what, seen, state, label) => {
    expect(stateOf(seen)).toMatchObject({ state, label });
  });

  it("nothing to a screen reader that changes each second", () => {
    const spoken = [1200, 3200].map((ms) => stateOf({ connection: { ...waiting, retryAt: NOW + ms } }).spoken);
    expect(new Set(spoken)).toEqual(new Set(["Connection lost, reconnecting"]));
  });

  it("that the connection is away when it is so for more than a blink", () => {
    const said = [0, 1, 3, 4, 20].map((attempt) => isAway({ ...waiting, attempt }));
    expect(said).toEqual([false, false, false, true, true]);
    expect(isAway({ status: "connecting", attempt: 4 })).toBe(true);
    for (const status of ["open", "offline", "refused", "closed"] as const)
      expect(isAway({ status, attempt: 4 })).toBe(false);
    expect(isAway(undefined)).toBe(false);
  });

  it("when its numbers were confirmed", () => {
    expect(freshness({ ...view("live"), verifiedAt: NOW - 12_000 }, NOW)).toBe("verified 12 s ago");
    expect(freshness({ ...view("cached"), generatedAt: new Date(NOW - 120_000).toISOString() }, NOW)).toBe(
      "saved 2 min ago",
    );
    expect(freshness(view("cached"), NOW)).toBe("not verified yet");
    expect(freshness(view("loading", false), NOW)).toBe("");
    expect(freshness(undefined, NOW)).toBe("");
  });

  it("whether another token helps", () => {
    const codes = ["unauthorized", "token_expired", "forbidden", "unavailable", "internal"];
    expect(codes.map((code) => isRefusal({ code, message: "" }))).toEqual([true, true, true, false, false]);
    expect(isRefusal(undefined)).toBe(false);
    expect(adviceFor({ code: "token_expired", message: "" })).toMatch(/new token/);
    expect(adviceFor({ code: "anything", message: "" })).toMatch(/request id/);
  });
});
