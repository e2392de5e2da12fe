import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { PERIODS } from "../period.ts";
import { Icon } from "./icons.tsx";

interface Props {
  isOpen: boolean;
  close: () => void;
  hasShortcuts: boolean;
  setShortcuts: (isOn: boolean) => void;
}

const KEYS: readonly [string, string][] = [
  ["1 – 9", "Dashboard"],
  ...PERIODS.map(({ key, title }): [string, string] => [key, title]),
  ["[ ]", "Tab before, tab after"],
  ["e", "Export as CSV"],
  ["c", "Colours: auto, light, dark"],
  ["?", "This help"],
];

export function Help({ isOpen, close, hasShortcuts, setShortcuts }: Props): JSX.Element {
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
          {KEYS.map(([key, meaning]) => (
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
        <ul>
          <li>A number that lights up has just moved.</li>
          <li>
            <b>Live</b> means that what you see was equal to what the server has, by checksum, at the time that
            “verified” names.
          </li>
          <li>The dotted end of a line, and the pale last bar, are the day and the hour that still run.</li>
          <li>Changes compare with the days before, as many as you look at. A percentage changes by points (pp).</li>
          <li>Arrow keys walk along a chart, and the button in its corner shows it as a table.</li>
        </ul>
      </div>
    </dialog>
  );
}
