/** What the browser keeps for the page: for the tab, or for good. Where it keeps nothing, the page still works. */

export interface Store {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  remove(name: string): void;
}

const PREFIX = "tidemark.";

/** A store over the browser's; one that is forbidden or full is replaced by memory, which ends with the page. */
export function storeOf(storage: () => Pick<Storage, "getItem" | "setItem" | "removeItem">): Store {
  const memory = new Map<string, string>();
  return {
    get(name) {
      try {
        return memory.get(name) ?? storage().getItem(PREFIX + name) ?? undefined;
      } catch {
        return memory.get(name);
      }
    },
    set(name, value) {
      memory.delete(name);
      try {
        storage().setItem(PREFIX + name, value);
      } catch {
        memory.set(name, value);
      }
    },
    remove(name) {
      memory.delete(name);
      try {
        storage().removeItem(PREFIX + name);
      } catch {
        // It kept nothing.
      }
    },
  };
}

/** What a text of JSON says; undefined for what is none. */
export function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** For this browser. */
export const browser = storeOf(() => localStorage);
/** For this tab. */
export const tab = storeOf(() => sessionStorage);
