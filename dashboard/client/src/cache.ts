import type { Environment } from "./environment.ts";
import type { Saved, Storage } from "./storage.ts";
import { SAVE_MS } from "./timing.ts";

/** The place of one view on disk. */
export interface Cache {
  load(): Promise<Saved | undefined>;
  /** Write this, unless something newer comes within seconds. */
  put(saved: Saved): void;
  /** Write what waits. */
  save(): void;
}

export function createCache(key: string, storage: Storage, env: Environment): Cache {
  let waiting: Saved | undefined;
  let timer: unknown;

  function save(): void {
    env.clearTimeout(timer);
    timer = undefined;
    if (waiting) storage.save(key, waiting);
    waiting = undefined;
  }

  return {
    load: () => storage.load(key),
    put(saved) {
      waiting = saved;
      timer ??= env.setTimeout(save, SAVE_MS);
    },
    save,
  };
}
