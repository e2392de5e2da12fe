/** The server's end of a WebSocket, with what may go wrong on the line. */
import type { AdversarialServer } from "./adversary.ts";

/** API Gateway's. */
const LIFETIME_MS = 7_200_000;

export class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly subscribed = new Set<string>();
  readonly until: number;
  isListening = false;
  #state: "connecting" | "open" | "closed" = "connecting";
  #lastAt = 0;
  /** The line is dead, and neither side knows. */
  #isDeaf = false;

  constructor(
    private readonly server: AdversarialServer,
    readonly url: string,
  ) {
    const { clock, chance } = server;
    this.until = Number(new URL(url).searchParams.get("token")) * 1000;
    server.sockets.add(this);
    if (server.fault("silence")) return;
    clock.setTimeout(() => {
      if (this.#state !== "connecting") return;
      if (server.fault("close")) return this.die();
      this.#state = "open";
      this.onopen?.();
      clock.setTimeout(() => this.die(), LIFETIME_MS);
    }, 5 + chance.below(80));
  }

  send(text: string): void {
    if (this.#state === "connecting") throw new Error("InvalidStateError");
    if (text.length > 32_768) this.die();
    const { server } = this;
    if (server.fault("deaf")) this.#isDeaf = true;
    if (this.#state === "open" && !this.#isDeaf && !server.fault("drop"))
      server.clock.setTimeout(
        () => this.#state === "open" && server.receive(this, JSON.parse(text)),
        5 + server.chance.below(40),
      );
  }

  /** Have a message arrive, after those before it if `inOrder`. */
  deliver(data: string, lateMs: number, inOrder: boolean): void {
    const { clock, chance } = this.server;
    let at = clock.now() + 5 + chance.below(40) + lateMs;
    if (inOrder) this.#lastAt = at = Math.max(at, this.#lastAt);
    clock.setTimeout(() => this.#state === "open" && !this.#isDeaf && this.onmessage?.({ data }), at - clock.now());
  }

  /** The client ends it. */
  close(): void {
    this.#state = "closed";
    this.server.sockets.delete(this);
  }

  /** The network or the server ends it. */
  die(): void {
    if (this.#state === "closed") return;
    this.close();
    this.server.clock.setTimeout(() => this.onclose?.(), 1);
  }
}
