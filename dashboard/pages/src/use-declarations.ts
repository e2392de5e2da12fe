import { useEffect, useRef, useState } from "preact/hooks";
import type { Access } from "./access.ts";
import { ApiError, fetchDeclarations } from "./api.ts";
import type { Declarations } from "./declared.ts";
import { keepDeclared, readDeclared } from "./memory.ts";
import { isRefusal, type Problem } from "./problem.ts";

const RETRY_MS = 5000;

export interface Declared {
  declarations: Declarations | undefined;
  /** Why there are none, or no new ones. */
  problem: Problem | undefined;
}

/** The workspace's dashboards: at once as they were at the last visit, then as they are; `isOpen` tries again at once. */
export function useDeclarations(url: string, access: Access, isOpen: boolean): Declared {
  const [declarations, setDeclarations] = useState(() => readDeclared(access.workspace));
  const [problem, setProblem] = useState<Problem>();
  const [attempt, setAttempt] = useState(0);
  const answered = useRef<Access | undefined>(undefined);
  // A connection that opens, and a retry, ask again.
  useEffect(() => {
    if (answered.current === access) return;
    const abort = new AbortController();
    let retry: ReturnType<typeof setTimeout> | undefined;
    fetchDeclarations(url, access, abort.signal).then(
      (found) => {
        answered.current = access;
        setProblem(undefined);
        setDeclarations((known) => (JSON.stringify(known) === JSON.stringify(found) ? known : found));
        keepDeclared(access.workspace, found);
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        // Without a network the connection says so; only what the server answered is news.
        setProblem(error instanceof ApiError ? error : undefined);
        if (!(error instanceof ApiError && isRefusal(error)))
          retry = setTimeout(() => setAttempt(attempt + 1), RETRY_MS);
      },
    );
    return () => {
      abort.abort();
      clearTimeout(retry);
    };
  }, [url, access, isOpen, attempt]);
  return { declarations, problem };
}
