/** Why something does not work: what the server said, or what the browser saw. */
export interface Problem {
  code: string;
  message: string;
  request_id?: string;
}

/** Codes for which another token is the way out. */
const REFUSED = new Set(["unauthorized", "token_expired", "forbidden"]);

export function isRefusal(problem: Problem | undefined): boolean {
  return problem !== undefined && REFUSED.has(problem.code);
}

/** What a person can do about it, in a sentence. */
export function adviceFor({ code }: Problem): string {
  switch (code) {
    case "token_expired":
      return "Its time is over. Paste a new token to go on.";
    case "unauthorized":
      return "The server does not know this token, or it was revoked. Paste another one.";
    case "forbidden":
      return "The workspace was removed, or this token is not for reading it. Paste another one.";
    case "unknown_dashboard":
      return "This workspace has no such dashboard. Choose another one above.";
    case "invalid_view":
    case "view_not_live":
      return "The server cannot show this period. Choose another one above.";
    case "too_many_views":
      return "This workspace watches as many different views as it may. Close one elsewhere, or wait a few minutes.";
    case "throttled":
    case "unavailable":
      return "The server is busy. The page tries again by itself.";
    default:
      return "The page tries again by itself. If it stays, the request id below finds the cause in the log.";
  }
}
