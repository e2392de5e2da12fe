import type { Environment } from "./environment.ts";
import { describe, TidemarkError } from "./errors.ts";
import { MARGIN_MS } from "./timing.ts";

/** A token, and when it ends: Unix milliseconds, Infinity if it does not say. */
export interface Token {
  readonly value: string;
  readonly endsAt: number;
}

/** Where the token comes from. */
export interface Tokens {
  /** The token, asked for anew when it nears its end. Rejects with `token_unavailable` when the callback fails. */
  get(): Promise<Token>;
  /** The server did not accept the token: ask for another the next time. */
  refuse(): void;
}

/** How long before the end of a life of `ms` it is time for the next: a fifth of it, at most 20 minutes. */
export const marginOf = (ms: number): number => Math.min(MARGIN_MS, ms / 5);

export function createTokens(ask: () => string | Promise<string>, env: Environment): Tokens {
  let current: Promise<Token> | undefined;
  let staleAt = 0;
  const fetch = async (): Promise<Token> => {
    try {
      const value = await ask();
      const endsAt = endOf(value);
      staleAt = endsAt - marginOf(endsAt - env.now());
      return { value, endsAt };
    } catch (error) {
      staleAt = 0;
      throw new TidemarkError("token_unavailable", describe(error).message);
    }
  };
  return {
    get() {
      if (!current || env.now() >= staleAt) {
        staleAt = Number.POSITIVE_INFINITY; // who asks while it is fetched gets the same one
        current = fetch();
      }
      return current;
    },
    refuse() {
      current = undefined;
    },
  };
}

function endOf(token: string): number {
  try {
    const payload = (token.split(".")[1] as string).replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(payload)).exp * 1000 || Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY; // not a JWT: the server will say so
  }
}
