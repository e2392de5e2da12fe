import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Toast } from "../toasts.ts";
import { Icon } from "./icons.tsx";

const SHOWN_MS = 6000;

export function Toasts({ toasts, dismiss }: { toasts: readonly Toast[]; dismiss: (id: number) => void }): JSX.Element {
  return (
    <div class="toasts" role="log" aria-live="polite" aria-label="Messages">
      {toasts.map((toast) => (
        <ToastCard key={toast.id} toast={toast} dismiss={dismiss} />
      ))}
    </div>
  );
}

/** It stays while the pointer or the focus is on it. */
function ToastCard({ toast, dismiss }: { toast: Toast; dismiss: (id: number) => void }): JSX.Element {
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (isHeld) return;
    const timer = setTimeout(() => dismiss(toast.id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isHeld, toast.id, dismiss]);
  const hold = (held: boolean) => () => setHeld(held);
  return (
    <div
      class={`toast ${toast.kind}`}
      data-testid="toast"
      onPointerEnter={hold(true)}
      onPointerLeave={hold(false)}
      onFocusIn={hold(true)}
      onFocusOut={hold(false)}
    >
      <Icon name={{ info: "info", success: "check", error: "alert" }[toast.kind] as "info" | "check" | "alert"} />
      <p>{toast.text}</p>
      <button type="button" class="quiet" onClick={() => dismiss(toast.id)} aria-label="Dismiss">
        <Icon name="close" size={15} />
      </button>
    </div>
  );
}
