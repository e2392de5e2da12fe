import type { Environment } from "./environment.ts";
import type { Problem } from "./errors.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Readable } from "./readable.ts";
import type { Socket } from "./socket.ts";
import type { Storage } from "./storage.ts";
import type { Incoming, Position, Sections, View } from "./wire.ts";

/** What is known of a view. What is shown of it was equal to the server's, by checksum, at `position`: always. */
export interface ViewState {
  readonly view: View;
  readonly sections?: Sections;
  /**
   * `loading`: on the way to the first confirmation (sections may be there already); `cached`: from disk, not confirmed yet;
   * `live`; `stale`: the connection is lost, or something missed is being repaired; `static`: a view with `to`; `error`: the
   * server will not have it, as `error` says.
   */
  readonly status: "loading" | "cached" | "live" | "stale" | "static" | "error";
  /** Whether there are sections and their checksum was the server's at `position`. Nothing else is ever shown. */
  readonly exact: boolean;
  readonly position?: Position;
  /** Sections that the last step changed. */
  readonly changed: readonly string[];
  /** Unix milliseconds of the server's last word that this is right. */
  readonly verifiedAt?: number;
  /** ISO 8601 */
  readonly generatedAt?: string;
  readonly error?: Problem;
}

/** What a view has to do next. */
export type Need = "load" | "bootstrap" | "subscribe" | "reconcile" | "";

/** What a view needs of the client. */
export interface Context {
  readonly env: Environment;
  readonly storage: Storage;
  readonly lifecycle: Lifecycle;
  socket(): Socket | undefined;
  isVisible(): boolean;
}

/** A view that is kept exact, for as long as somebody uses it. */
export interface Watch {
  readonly state: Readable<ViewState>;
  /** Count a user of the view; returns what ends the use. */
  use(): () => void;
  /** A socket is open: go on there. */
  attach(): void;
  detach(): void;
  received(message: Incoming): void;
  /** The page is visible again. */
  shown(): void;
  /** Write what is not on disk yet. */
  save(): void;
  /** Stop at once. */
  dispose(): void;
}
