/** Short messages that go by themselves. */

import { useCallback, useRef, useState } from "preact/hooks";

export interface Toast {
  id: number;
  kind: "info" | "success" | "error";
  text: string;
}

export type Tell = (text: string, kind?: Toast["kind"]) => void;

/** More at once would cover what they are about. */
const MOST = 3;

export function useToasts(): { toasts: readonly Toast[]; tell: Tell; dismiss: (id: number) => void } {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const last = useRef(0);
  const tell = useCallback<Tell>((text, kind = "info") => {
    last.current += 1;
    const toast = { id: last.current, kind, text };
    setToasts((shown) => [...shown.filter((other) => other.text !== text), toast].slice(-MOST));
  }, []);
  const dismiss = useCallback((id: number) => setToasts((shown) => shown.filter((toast) => toast.id !== id)), []);
  return { toasts, tell, dismiss };
}
