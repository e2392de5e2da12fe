import type { JSX } from "preact";
import { said, saidOfBreaker, type Tone } from "../model.ts";

/** The state of a batch, a job or an alarm. */
export function StateChip({ state }: { state: string }): JSX.Element {
  return <Chip said={said(state)} />;
}

export function BreakerChip({ state }: { state: string }): JSX.Element {
  return <Chip said={saidOfBreaker(state)} />;
}

function Chip({ said: [words, tone] }: { said: readonly [string, Tone] }): JSX.Element {
  return <span class={`chip ${tone}`}>{words}</span>;
}
