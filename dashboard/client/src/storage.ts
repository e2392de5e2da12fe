import type { Environment } from "./environment.ts";
import type { Replica } from "./replica.ts";
import type { Incoming } from "./wire.ts";

/** A replica as it was kept, and when: Unix milliseconds. */
export interface Saved extends Replica {
  readonly verifiedAt: number;
  readonly savedAt: number;
}

/** An event that waits, with its place in the order. */
export interface Queued {
  readonly key: number;
  readonly event: Incoming;
}

/** What outlives the page. Nothing of it rejects. */
export interface Storage {
  load(key: string): Promise<Saved | undefined>;
  save(key: string, saved: Saved): Promise<unknown>;
  add(event: Incoming): Promise<unknown>;
  /** The oldest events, at most `limit`. */
  first(limit: number): Promise<Queued[]>;
  remove(keys: number[]): Promise<unknown>;
  count(): Promise<number>;
  /** Delete the replicas; events stay until they are sent. */
  forget(): Promise<unknown>;
}

const VIEWS = 50;
const VIEW_MS = 30 * 86_400_000;

/** Storage that ends with the page. */
export function memoryStorage(): Storage {
  const views = new Map<string, Saved>();
  const events = new Map<number, Queued>();
  let lastKey = 0;
  return {
    load: async (key) => views.get(key),
    save: async (key, saved) => views.set(key, saved),
    add: async (event) => events.set(++lastKey, { key: lastKey, event }),
    first: async (limit) => [...events.values()].slice(0, limit),
    remove: async (keys) => keys.forEach((key) => void events.delete(key)),
    count: async () => events.size,
    forget: async () => views.clear(),
  };
}

/**
 * Storage in IndexedDB, for what belongs to `scope` (a server's workspace); in memory where that fails: private windows,
 * a full disk, a blocked database.
 */
export function createStorage(scope: string, env: Environment): Storage {
  const memory = memoryStorage();
  let isBroken = false;

  const database = new Promise<IDBDatabase>((resolve, reject) => {
    const request = (env.indexedDB as IDBFactory).open("tidemark", 1); // throws without one, which rejects
    request.onupgradeneeded = () => {
      request.result.createObjectStore("views").createIndex("savedAt", "savedAt");
      request.result.createObjectStore("events", { keyPath: "key", autoIncrement: true }).createIndex("scope", "scope");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });

  /** Run one request, in a transaction of its own; transactions on a store run in the order in which they are made. */
  async function run<T>(name: string, mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T> | null) {
    const transaction = (await database).transaction(name, mode);
    return new Promise<T>((resolve, reject) => {
      const request = act(transaction.objectStore(name));
      transaction.oncomplete = () => resolve(request?.result as T);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }

  /** The queue moves to memory for good when its store fails, lest the order be lost; what is on disk waits for a reload. */
  const events = async <T>(onDisk: () => Promise<T>, inMemory: () => Promise<T>): Promise<T> => {
    if (!isBroken)
      try {
        return await onDisk();
      } catch {
        isBroken = true;
      }
    return inMemory();
  };

  const evict = () =>
    run("views", "readwrite", (store) => {
      const cursors = store.index("savedAt").openKeyCursor(null, "prev"); // the newest first
      let seen = 0;
      cursors.onsuccess = () => {
        const cursor = cursors.result;
        if (!cursor) return;
        if (++seen > VIEWS || (cursor.key as number) < env.now() - VIEW_MS) store.delete(cursor.primaryKey);
        cursor.continue();
      };
      return null;
    });

  return {
    load: (key) =>
      run<Saved>("views", "readonly", (store) => store.get(`${scope}|${key}`)).catch(() => memory.load(key)),
    save: (key, saved) =>
      run("views", "readwrite", (store) => store.put(saved, `${scope}|${key}`))
        .then(evict)
        .catch(() => memory.save(key, saved)),
    add: (event) =>
      events<unknown>(
        () => run("events", "readwrite", (store) => store.add({ scope, event })),
        () => memory.add(event),
      ),
    first: (limit) =>
      events(
        () => run<Queued[]>("events", "readonly", (store) => store.index("scope").getAll(scope, limit)),
        () => memory.first(limit),
      ),
    remove: (keys) =>
      events<unknown>(
        () =>
          run("events", "readwrite", (store) => {
            for (const key of keys) store.delete(key);
            return null;
          }),
        () => memory.remove(keys),
      ),
    forget: () =>
      run("views", "readwrite", (store) => store.delete(IDBKeyRange.bound(`${scope}|`, `${scope}|~`))).catch(
        memory.forget,
      ),
    count: () => events(() => run("events", "readonly", (store) => store.index("scope").count(scope)), memory.count),
  };
}
