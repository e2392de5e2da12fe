/** What a person chose for this browser, and what it keeps of a workspace between visits. */

import { browser, type Store } from "./store.ts";

export type Theme = "auto" | "light" | "dark";

const THEMES: readonly Theme[] = ["auto", "light", "dark"];

export function readTheme(store: Store = browser): Theme {
  const kept = store.get("theme");
  return THEMES.find((theme) => theme === kept) ?? "auto";
}

export function keepTheme(theme: Theme, store: Store = browser): void {
  store.set("theme", theme);
}

export function nextTheme(theme: Theme): Theme {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
}

/** Whether single keys choose; people who dictate to their computer need to turn that off (WCAG 2.1.4). */
export function readShortcuts(store: Store = browser): boolean {
  return store.get("shortcuts") !== "off";
}

export function keepShortcuts(isOn: boolean, store: Store = browser): void {
  store.set("shortcuts", isOn ? "on" : "off");
}
