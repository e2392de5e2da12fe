/** The HTTP API, as far as the page itself needs it; the rest goes through the SDK. */

import type { Access } from "./access.ts";
import type { Declarations } from "./declared.ts";
import type { Problem } from "./problem.ts";

/** An answer that is not a success. */
export class ApiError extends Error implements Problem {
  readonly code: string;
  readonly request_id?: string;

  constructor(body: unknown, status: number) {
    const { code, message, request_id } = (typeof body === "object" && body !== null ? body : {}) as Partial<Problem>;
    super(typeof message === "string" ? message : `The server answered ${status}`);
    this.code = typeof code === "string" ? code : "internal";
    if (typeof request_id === "string") this.request_id = request_id;
  }
}

/** The address of the API: the page's own, without its last part. Locally it has a path. */
export function apiUrl(base: string): string {
  return new URL(".", base).href.replace(/\/$/, "");
}

/** The dashboards that the workspace has enabled. Rejects with `ApiError`, or `TypeError` without a network. */
export async function fetchDeclarations(url: string, access: Access, signal: AbortSignal): Promise<Declarations> {
  const path = `${url}/v1/workspaces/${encodeURIComponent(access.workspace)}/dashboards`;
  const response = await fetch(path, { signal, headers: { Authorization: `Bearer ${access.token}` } });
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new ApiError(body, response.status);
  return body as Declarations;
}
