/**
 * The token: from the address's fragment (which no server sees and no log keeps), from this tab's storage, or pasted.
 * It stays in the tab's session storage; what it says is read here, but only the server judges it.
 */

import type { Store } from "./store.ts";

const KEY = "token";

/** Of tokens; an admin token reads as well. */
export type Role = "read" | "admin";

export interface Access {
  token: string;
  workspace: string;
  /** When the token ends, in ms; undefined for one that does not say. */
  expiresAt?: number;
}

/** What is needed of a window. */
export interface Address {
  location: Pick<Location, "hash" | "pathname" | "search">;
  history: Pick<History, "replaceState">;
}

/** Whether the address brings a token. */
export function hasToken({ hash }: Pick<Location, "hash">): boolean {
  return tokenIn(hash) !== null;
}

/** The access to start with; a token in the fragment wins, and leaves the address bar at once. */
export function takeAccess({ location, history }: Address, store: Store): Access | undefined {
  const given = tokenIn(location.hash);
  if (given !== null) {
    history.replaceState(null, "", location.pathname + location.search);
    const access = read(given);
    if (typeof access !== "string") return keepAccess(access, store);
  }
  const kept = read(store.get(KEY) ?? "");
  return typeof kept === "string" ? undefined : kept;
}

/** Keep an access for this tab. */
export function keepAccess(access: Access, store: Store): Access {
  store.set(KEY, access.token);
  return access;
}

/** Whether this tab still has an access, which signing out takes. */
export function hasAccess(store: Store): boolean {
  return !!store.get(KEY);
}

export function forgetAccess(store: Store): void {
  store.remove(KEY);
}

/** The access that a pasted text gives, or in words why it gives none. */
export function read(pasted: string, role: Role = "read"): Access | string {
  const token = pasted.trim();
  if (!token) return `Paste ${named(role)}.`;
  if (token.startsWith("tmk_")) return `This is a write key: it sends events and reads nothing. Paste ${named(role)}.`;
  const claims = claimsOf(token);
  const workspace = claims?.ws;
  if (typeof workspace !== "string" || !workspace)
    return "This is not a token: a token has three parts, with dots between.";
  return { token, workspace, ...(typeof claims?.exp === "number" && { expiresAt: claims.exp * 1000 }) };
}

/** "a read token", "an admin token". */
export function named(role: Role): string {
  return role === "admin" ? "an admin token" : "a read token";
}

function tokenIn(hash: string): string | null {
  return new URLSearchParams(hash.slice(1)).get("token");
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  try {
    const payload = token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? "";
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
