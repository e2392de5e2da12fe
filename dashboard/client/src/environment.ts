/** As much of a WebSocket as is used. */
export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(data: string): void;
  close(): void;
}

/** Everything outside that the client touches; tests put their own in its place. */
export interface Environment {
  /** Unix time in milliseconds. */
  now(): number;
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** 0 ≤ random < 1 */
  random(): number;
  fetch(url: string, init: RequestInit): Promise<Response>;
  WebSocket: new (url: string) => SocketLike;
  crypto: { subtle?: Pick<SubtleCrypto, "digest">; getRandomValues(array: Uint8Array<ArrayBuffer>): unknown };
  indexedDB: IDBFactory | undefined;
  document: Pick<Document, "visibilityState" | "addEventListener" | "removeEventListener"> | undefined;
  /** Where `online`, `offline` and `pagehide` happen. */
  window: Pick<EventTarget, "addEventListener" | "removeEventListener"> | undefined;
  navigator: { onLine?: boolean; locks?: Pick<LockManager, "request"> };
}

/** The browser's (or Node's) own environment, with what is given instead. */
export function environmentOf(given: Partial<Environment> = {}): Environment {
  const { crypto, indexedDB, document, navigator = {}, WebSocket } = globalThis;
  return {
    now: () => Date.now(),
    setTimeout: (callback, ms) => setTimeout(callback, ms),
    clearTimeout: (timer) => clearTimeout(timer as number),
    random: () => Math.random(),
    fetch: (url, init) => fetch(url, init),
    WebSocket: WebSocket as unknown as Environment["WebSocket"],
    crypto,
    indexedDB,
    document,
    window: "addEventListener" in globalThis ? globalThis : undefined,
    navigator,
    ...given,
  };
}

/** 128 random bits in hex: also where `crypto.randomUUID` is not, on pages that are not secure. */
export function newId({ crypto }: Environment): string {
  const bytes = new Uint8Array(16);
  crypto.getRandomValues(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
