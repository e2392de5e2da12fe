/** The Tidemark browser client. See README.md. */
export { canonicalize } from "./canonical.ts";
export { checksum } from "./checksum.ts";
export { type Client, connect, type LiveView, type Options } from "./client.ts";
export type { ConnectionState } from "./connection.ts";
export type { Environment, SocketLike } from "./environment.ts";
export { type Problem, TidemarkError } from "./errors.ts";
export type { LifecycleType } from "./lifecycle.ts";
export { mergePatch } from "./merge.ts";
export type { MessageHandler } from "./messages.ts";
export type { EventFields, QueueState } from "./queue.ts";
export type { Readable } from "./readable.ts";
export { applyDelta, applySnapshot, type Replica } from "./replica.ts";
export type { ViewState } from "./view.ts";
export type { Checksums, Delta, Head, Message, Position, Rejection, Sections, View } from "./wire.ts";
