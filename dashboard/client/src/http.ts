import type { Environment } from "./environment.ts";
import { TidemarkError } from "./errors.ts";
import { ANSWER_MS } from "./timing.ts";
import type { Tokens } from "./tokens.ts";
import type { Incoming } from "./wire.ts";

/** POST a body to a route of the HTTP API; resolves to the answer. */
export type Post = (path: string, body: unknown) => Promise<Incoming>;

/** Makes `post`, which asks for another token once when the one it has is refused. Rejects with TidemarkError. */
export function createPost(url: string, tokens: Tokens, env: Environment): Post {
  const once = async (path: string, body: unknown): Promise<Incoming> => {
    const token = await tokens.get();
    const abort = new AbortController();
    const timer = env.setTimeout(() => abort.abort(), ANSWER_MS);
    try {
      const response = await env.fetch(url.replace(/\/$/, "") + path, {
        method: "POST",
        headers: { Authorization: `Bearer ${token.value}`, "Content-Type": "application/json" },
        body: JSON.stringify(body),
        signal: abort.signal,
      });
      const { status } = response;
      const answer: Incoming = (await response.json().catch(() => undefined)) ?? {};
      // A batch of which every event is invalid answers 400, and is answered for good.
      if (response.ok || (status === 400 && answer.rejected?.length)) return answer;
      throw new TidemarkError(
        answer.code ?? (status === 401 ? "unauthorized" : "unavailable"),
        answer.message ?? `The server answered ${status}`,
        answer.request_id,
        Math.min(60, Number(response.headers.get("Retry-After")) || 0) * 1000,
      );
    } catch (error) {
      throw error instanceof TidemarkError ? error : new TidemarkError("unreachable", "The server cannot be reached");
    } finally {
      env.clearTimeout(timer);
    }
  };
  return (path, body) =>
    once(path, body).catch((error: TidemarkError) => {
      if (!/^(unauthorized|token_expired)$/.test(error.code)) throw error;
      tokens.refuse();
      return once(path, body);
    });
}
