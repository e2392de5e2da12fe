/** The messages of docs/protocol.md, as far as the client reads them. */

/** A view: a dashboard over `days` local days, the last of them today, or `to` (such a view does not move). */
export interface View {
  dashboard: string;
  /** 1 to 366; 30 unless given. */
  days?: number;
  /** ISO date, e.g. "2015-05-21". */
  to?: string;
}

/** A place in a view's delta log. */
export interface Position {
  epoch: string;
  seq: number;
}

/** Data by section: `kpis`, `charts`, `tabs.<name>`. */
export type Sections = Readonly<Record<string, unknown>>;
/** SHA-256 in hex by section, and `full`, that of {section: checksum}. */
export type Checksums = Readonly<Record<string, string>>;

/** The head of a snapshot, and of a reconciliation. */
export interface Head {
  type: "snapshot" | "reconciled";
  position: Position;
  checksums: Checksums;
  /** What follows. */
  sections: string[];
  generated_at: string;
  verdict?: "current" | "behind" | "diverged";
  subscribed?: boolean;
}

export interface Subscribed {
  id: string;
  position: Position;
  checksums: Checksums;
  recovered: boolean;
}

export interface Delta {
  view: View;
  epoch: string;
  base: number;
  seq: number;
  patch: Record<string, unknown>;
  checksums: Checksums;
  generated_at?: string;
}

/** An event that was not kept, and why. */
export interface Rejection {
  event_id?: string;
  index?: number;
  code: string;
  message: string;
  field?: string;
}

/** A message to the token's user. */
export interface Message {
  message_id: string;
  seq: number;
  thread?: string;
  body: Record<string, unknown>;
  sent_at: string;
}

/** Anything that came: a JSON object of which nothing is certain. */
// biome-ignore lint/suspicious/noExplicitAny: what comes from the network is checked where it is read
export type Incoming = Record<string, any>;

/** The view with its default, and a name that is the same for equal views. */
export const normalize = ({ dashboard, days = 30, to }: View): View => ({ dashboard, days, ...(to && { to }) });
export const keyOf = ({ dashboard, days = 30, to = "" }: View): string => `${dashboard}|${days}|${to}`;
