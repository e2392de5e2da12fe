import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icons.tsx";

export interface HelpProps {
  isOpen: boolean;
  close: () => void;
  hasShortcuts: boolean;
  setShortcuts: (isOn: boolean) => void;
  /** What each key does. */
  keys: readonly (readonly [string, string])[];
  /** How to read the page, as items of a list. */
  children: ComponentChildren;
}

export function Help({ isOpen, close, hasShortcuts, setShortcuts, keys, children }: HelpProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the dialog closes it; the keyboard has Escape
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      data-testid="help-dialog"
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div class="help-body">
        <header>
          <h2 id="help-title">Keyboard shortcuts</h2>
          <button type="button" class="quiet" onClick={close} aria-label="Close">
            <Icon name="close" />
          </button>
        </header>
        <dl class="keys">
          {keys.map(([key, meaning]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
        <label class="switch">
          <input
            type="checkbox"
            checked={hasShortcuts}
            onChange={(event) => setShortcuts(event.currentTarget.checked)}
          />
          Use keyboard shortcuts
        </label>
        <h2>How to read the page</h2>
        <ul>{children}</ul>
      </div>
    </dialog>
  );
}
