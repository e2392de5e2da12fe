import type { JSX } from "preact";
import { PERIODS } from "../period.ts";
import { Help, type HelpProps } from "./help.tsx";

const KEYS: readonly (readonly [string, string])[] = [
  ["1 – 9", "Dashboard"],
  ...PERIODS.map(({ key, title }): [string, string] => [key, title]),
  ["[ ]", "Tab before, tab after"],
  ["e", "Export as CSV"],
  ["c", "Colours: auto, light, dark"],
  ["?", "This help"],
];

export function BoardHelp(props: Omit<HelpProps, "keys" | "children">): JSX.Element {
  return (
    <Help {...props} keys={KEYS}>
      <li>A number that lights up has just moved.</li>
      <li>
        <b>Live</b> means that what you see was equal to what the server has, by checksum, at the time that “verified”
        names.
      </li>
      <li>The dotted end of a line, and the pale last bar, are the day and the hour that still run.</li>
      <li>Changes compare with the days before, as many as you look at. A percentage changes by points (pp).</li>
      <li>Arrow keys walk along a chart, and the button in its corner shows it as a table.</li>
    </Help>
  );
}
