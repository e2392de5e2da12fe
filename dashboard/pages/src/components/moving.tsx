import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

const LIT_MS = 700;

interface Props {
  /** The value that is shown: a change of it is the movement. */
  of: unknown;
  class?: string;
  children: ComponentChildren;
}

/** A number that lights up for a moment when it moves. */
export function Moving({ of, class: name, children }: Props): JSX.Element {
  return (
    <span ref={useLit<HTMLSpanElement>(of)} class={`moving ${name ?? ""}`}>
      {children}
    </span>
  );
}

/** The dot of a page's state, with a ring around it for a moment whenever something came: `of` is what came last. */
export function Dot({ of }: { of: unknown }): JSX.Element {
  return <span ref={useLit<HTMLSpanElement>(of)} class="dot" aria-hidden="true" />;
}

/** Light an element when `of` changes: on, and then off. A fade would draw 60 times a second, all day long. */
function useLit<T extends Element>(of: unknown): RefObject<T | null> {
  const node = useRef<T>(null);
  const shown = useRef(of);
  useEffect(() => {
    const before = shown.current;
    shown.current = of;
    const names = node.current?.classList;
    if (before === of || before === undefined || !names) return;
    names.add("lit");
    const timer = setTimeout(() => names.remove("lit"), LIT_MS);
    return () => clearTimeout(timer);
  }, [of]);
  return node;
}
