import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** A number that lights up for a moment when it moves, unless motion is not wanted. */
export function Moving({ of, class: name, children }: Props): JSX.Element {
  const node = useRef<HTMLSpanElement>(null);
  const shown = useRef(of);
  useEffect(() => {
    const before = shown.current;
    shown.current = of;
    if (before === of || before === undefined || still.matches) return;
    node.current?.animate([{ backgroundColor: "var(--flash)" }, { backgroundColor: "transparent" }], {
      duration: 1400,
      easing: "ease-out",
    });
  }, [of]);
  return (
    <span ref={node} class={`moving ${name ?? ""}`}>
      {children}
    </span>
  );
}

interface Props {
  /** The value that is shown: a change of it is the movement. */
  of: unknown;
  class?: string;
  children: ComponentChildren;
}
