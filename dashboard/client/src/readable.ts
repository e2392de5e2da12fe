/** A value that changes. */
export interface Readable<T> {
  get(): T;
  /** Call `listener` at once and after every change; returns what ends that. */
  subscribe(listener: (value: T) => void): () => void;
}

/** A value of which the owner can set the next one. */
export interface Writable<T> extends Readable<T> {
  set(value: T): void;
}

export function writable<T>(value: T): Writable<T> {
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      const call = () => {
        try {
          listener(value);
        } catch (error) {
          // A listener's fault is reported as its own, and does not stop the client.
          queueMicrotask(() => {
            throw error;
          });
        }
      };
      listeners.add(call);
      call();
      return () => void listeners.delete(call);
    },
  };
}
