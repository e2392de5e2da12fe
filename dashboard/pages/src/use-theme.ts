import { useCallback, useEffect, useState } from "preact/hooks";
import { listen } from "./hooks.ts";
import { keepTheme, nextTheme, readTheme, type Theme } from "./preferences.ts";

export interface ThemeChoice {
  theme: Theme;
  /** What is on screen: with "auto" it follows the system. Canvases are drawn anew when it changes. */
  scheme: "light" | "dark";
  next: () => void;
}

const dark = matchMedia("(prefers-color-scheme: dark)");

export function useTheme(): ThemeChoice {
  const [theme, setTheme] = useState(readTheme);
  const [isDark, setDark] = useState(dark.matches);
  useEffect(() => listen(dark, { change: () => setDark(dark.matches) }), []);
  const next = useCallback(() => setTheme(nextTheme), []);
  // While rendering, not in an effect: charts that mount now read their colours from the styles.
  document.documentElement.dataset.theme = theme;
  useEffect(() => keepTheme(theme), [theme]);
  return { theme, scheme: theme === "auto" ? (isDark ? "dark" : "light") : theme, next };
}
