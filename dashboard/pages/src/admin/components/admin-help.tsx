import type { JSX } from "preact";
import { Help, type HelpProps } from "../../components/help.tsx";

const KEYS: readonly (readonly [string, string])[] = [
  ["1 – 4", "Overview, Batches, Jobs, Insights"],
  ["r", "Load anew"],
  ["c", "Colours: auto, light, dark"],
  ["?", "This help"],
];

export function AdminHelp(props: Omit<HelpProps, "keys" | "children">): JSX.Element {
  return (
    <Help {...props} keys={KEYS}>
      <li>
        <b>Live</b> means that the page loads anew as soon as the server tells of something, and every 5 seconds
        besides.
      </li>
      <li>A batch is open until it is full or old enough, then sealed; its job analyses it, which makes an insight.</li>
      <li>A job that fails five times is a dead letter. Redriven, it has five attempts again.</li>
      <li>While a circuit breaker is open, jobs wait and lose no attempt. It lets one try after a while by itself.</li>
      <li>Everything that is looked at and done here is recorded in the audit trail.</li>
    </Help>
  );
}
