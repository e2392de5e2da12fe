/** What went wrong, with a stable code: one of docs/protocol.md, or one of the client's own. */
export class TidemarkError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly requestId?: string | undefined,
    /** Milliseconds that the server asks to wait. */
    readonly retryAfter = 0,
  ) {
    super(message);
  }
}

/** The connection went before the answer came; a reconnect is under way. */
export const lost = (): TidemarkError => new TidemarkError("connection_lost", "The connection was lost");

/** An error as the states carry it. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  /** What finds the request in the server's log, where the server answered. */
  readonly request_id?: string;
}

/** The error as the states carry it; whatever is not ours is a defect or the environment's. */
export const describe = (error: unknown): Problem => ({
  code: error instanceof TidemarkError ? error.code : "client_error",
  message: error instanceof Error ? error.message : String(error),
  ...(error instanceof TidemarkError && error.requestId && { request_id: error.requestId }),
});

/** The server will not have a request like this one; something has to change there first. */
export const isHopeless = (code: string): boolean =>
  /^(unknown_dashboard|invalid_\w+|view_not_live|too_many_views|forbidden|crypto_unavailable)$/.test(code);

/** The credential is not accepted: only another one helps. */
export const isRefusal = (code: string): boolean => /^(unauthorized|token_expired|forbidden)$/.test(code);
