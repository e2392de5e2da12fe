import type { ComponentChildren, JSX } from "preact";
import { adminSearchOf } from "../place.ts";
import type { To, Visit } from "../use-admin-place.ts";

interface Props {
  to: To;
  visit: Visit;
  children: ComponentChildren;
  class?: string;
  testId?: string;
  isCurrent?: boolean;
}

/** A link within the page: it can be copied and opened elsewhere like any other. */
export function Go({ to, visit, children, class: name, testId, isCurrent }: Props): JSX.Element {
  const onClick = (event: MouseEvent) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    visit(to);
  };
  return (
    <a
      href={adminSearchOf(to)}
      class={name}
      data-testid={testId}
      aria-current={isCurrent ? "true" : undefined}
      onClick={onClick}
    >
      {children}
    </a>
  );
}
