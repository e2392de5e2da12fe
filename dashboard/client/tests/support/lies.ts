/** What may go wrong, and how a message lies. */
import type { AdversarialServer } from "./adversary.ts";
import type { Json } from "./documents.ts";

export const FAULTS = [
  "drop",
  "duplicate",
  "reorder",
  "delay",
  "truncate",
  "garble",
  "close",
  "error",
  "silence",
  "stranger",
  "epoch",
  "base",
  "checksum",
  "content",
  "recovered",
  "unsubscribed",
  "ticket",
  "http",
  "half",
  "gateway",
  "deaf",
] as const;
export type Fault = (typeof FAULTS)[number];

/** The message, true or not. */
export function twisted(message: Json, server: Pick<AdversarialServer, "fault" | "chance">): Json {
  const copy = structuredClone(message);
  const { type } = copy;
  if (type === "delta") {
    if (server.fault("epoch")) copy.epoch = "another";
    if (server.fault("base")) copy.base += 1 - server.chance.below(3);
    if (server.fault("content")) copy.patch = { ...copy.patch, kpis: { pageviews: -server.chance.below(99) } };
  }
  if (type === "section" && server.fault("content") && copy.parts === 1) copy.data = { lie: server.chance.below(9) };
  if (copy.checksums && server.fault("checksum")) copy.checksums.full = "0".repeat(64);
  if (type === "subscribed") {
    if (server.fault("epoch")) copy.position.epoch = "another";
    if (server.fault("recovered")) copy.recovered = !copy.recovered;
  }
  if (type === "reconciled" && server.fault("unsubscribed")) copy.subscribed = false;
  return copy;
}
