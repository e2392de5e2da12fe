import { useState } from "preact/hooks";

export interface Pages {
  /** Of the page that is shown; undefined for the first. */
  cursor: string | undefined;
  /** Undefined on the first page. */
  back: (() => void) | undefined;
  on: (cursor: string) => void;
}

/** The way through the pages of a list; another `key` is another list, which begins at its first page. */
export function usePages(key: string): Pages {
  const [way, setWay] = useState<{ key: string; cursors: readonly string[] }>({ key, cursors: [] });
  const cursors = way.key === key ? way.cursors : [];
  return {
    cursor: cursors.at(-1),
    back: cursors.length ? () => setWay({ key, cursors: cursors.slice(0, -1) }) : undefined,
    on: (cursor) => setWay({ key, cursors: [...cursors, cursor] }),
  };
}
