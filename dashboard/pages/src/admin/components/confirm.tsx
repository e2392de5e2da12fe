import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Question } from "../words.ts";

/** The question before something is done. Escape and a click beside it are a no; the focus starts on the way out. */
export function Confirm({
  question,
  answer,
}: {
  question: Question | undefined;
  answer: (isYes: boolean) => void;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (question) dialog.current?.showModal();
    else dialog.current?.close();
  }, [question]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the dialog closes it; the keyboard has Escape
    <dialog
      ref={dialog}
      class="help confirm"
      aria-labelledby="confirm-title"
      aria-describedby="confirm-text"
      data-testid="confirm"
      onCancel={() => answer(false)}
      onClick={(event) => event.target === dialog.current && answer(false)}
    >
      <div class="help-body">
        <h2 id="confirm-title">{question?.title}</h2>
        <p id="confirm-text">{question?.text}</p>
        <div class="confirm-buttons">
          <button type="button" class="button" onClick={() => answer(false)}>
            Not now
          </button>
          <button type="button" class="button primary" data-testid="confirm-yes" onClick={() => answer(true)}>
            {question?.verb}
          </button>
        </div>
      </div>
    </dialog>
  );
}
