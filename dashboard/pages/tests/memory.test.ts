import { describe, expect, it } from "vitest";
import { forgetWorkspace, keepDeclared, keepPast, readDeclared, readPast } from "../src/memory.ts";
import { keepTheme, nextTheme, readShortcuts, readTheme } from "../src/preferences.ts";
import { type Store, storeOf } from "../src/store.ts";
import { WEB } from "./examples.ts";
import { memoryStorage } from "./memory-storage.ts";

function over(storage: ReturnType<typeof memoryStorage>): Store {
  return storeOf(() => storage);
}

const forbidden: Store = storeOf(() => {
  throw new DOMException("no", "SecurityError");
});
const HOUR = 3_600_000;
const view = (to: string) => ({ dashboard: "web", days: 30, to });

describe("a store", () => {
  it.each([
    ["forbidden", forbidden],
    ["full", over(memoryStorage(2))],
  ])("that is %s keeps things until the page ends", (_why, store) => {
    store.set("theme", "dark");
    expect(store.get("theme")).toBe("dark");
    store.remove("theme");
    expect(store.get("theme")).toBeUndefined();
  });

  it("that has room again shows what was kept last", () => {
    const store = over(memoryStorage(4));
    store.set("a", "old");
    store.set("a", "too long");
    expect(store.get("a")).toBe("too long");
    store.set("a", "new");
    expect(store.get("a")).toBe("new");
  });
});

describe("what is remembered of a workspace", () => {
  it("are the periods before, for an hour", () => {
    const store = over(memoryStorage());
    keepPast("demo", view("2026-10-23"), { kpis: { a: 1 } }, 0, store);
    expect(readPast("demo", view("2026-10-23"), HOUR - 1, store)).toEqual({ kpis: { a: 1 } });
    expect(readPast("demo", view("2026-10-23"), HOUR, store)).toBeUndefined();
    expect(readPast("demo", view("2026-10-22"), 1, store)).toBeUndefined();
    expect(readPast("other", view("2026-10-23"), 1, store)).toBeUndefined();
  });

  it("are at most eight of them, the newest", () => {
    const store = over(memoryStorage());
    const days = Array.from({ length: 10 }, (_, index) => `2026-10-${10 + index}`);
    for (const [index, day] of days.entries()) keepPast("demo", view(day), { kpis: { index } }, index, store);
    const found = days.filter((day) => readPast("demo", view(day), 20, store));
    expect(found).toEqual(days.slice(2));
  });

  it("are its declarations, unless they are broken or forgotten", () => {
    const store = over(memoryStorage());
    keepDeclared("demo", { timezone: "UTC", dashboards: [WEB] }, store);
    expect(readDeclared("demo", store)?.dashboards[0]?.name).toBe("web");
    forgetWorkspace("demo", store);
    expect(readDeclared("demo", store)).toBeUndefined();
    for (const broken of ["{", "null", "[]", '{"dashboards":5}']) {
      store.set("declared.demo", broken);
      store.set("past.demo", broken);
      expect(readDeclared("demo", store)).toBeUndefined();
      expect(readPast("demo", view("2026-10-23"), 0, store)).toBeUndefined();
    }
  });
});

describe("preferences", () => {
  it("go through the themes, and are what the system wants until one is chosen", () => {
    const store = over(memoryStorage());
    expect(readTheme(store)).toBe("auto");
    expect([nextTheme("auto"), nextTheme("light"), nextTheme("dark")]).toEqual(["light", "dark", "auto"]);
    keepTheme("dark", store);
    expect(readTheme(store)).toBe("dark");
    store.set("theme", "pink");
    expect(readTheme(store)).toBe("auto");
    expect(readShortcuts(store)).toBe(true);
  });
});
