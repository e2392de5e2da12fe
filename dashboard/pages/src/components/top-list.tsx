import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { TopList as Model } from "../board.ts";
import { barLength, format, formatExact, formatShare } from "../format.ts";
import { Moving } from "./moving.tsx";

/** Rows that show at once; more are a click away. */
const FIRST_ROWS = 10;

export function TopList({ list, id }: { list: Model; id: string }): JSX.Element {
  const [isWhole, setWhole] = useState(false);
  const { rows, total } = list;
  const highest = Math.max(1e-9, ...rows.map(({ value }) => value));
  const shown = isWhole ? rows : rows.slice(0, FIRST_ROWS);
  return (
    <>
      <ol class="top" id={id}>
        {shown.map(({ key, value }) => (
          <li key={key} class="row" style={{ "--share": barLength(value, highest) }}>
            <span class="row-key" title={key}>
              {key || "(empty)"}
            </span>
            {total ? <span class="row-share">{formatShare(value, total)}</span> : null}
            <Moving of={value} class="row-value">
              <data value={String(value)} title={formatExact(value, list)}>
                {format(value, list)}
              </data>
            </Moving>
          </li>
        ))}
      </ol>
      {rows.length === 0 && <p class="none">Nothing in this period</p>}
      {rows.length > FIRST_ROWS && (
        <button
          type="button"
          class="more"
          aria-expanded={isWhole}
          aria-controls={id}
          onClick={() => setWhole(!isWhole)}
        >
          {isWhole ? "Show fewer" : `Show all ${rows.length}`}
        </button>
      )}
      {list.error > 0 && rows.length > 0 && (
        <p class="bound" title="Rare values are left out of long lists; what that can hide is bounded.">
          Each count is at most {format(list.error, list)} too low
        </p>
      )}
    </>
  );
}
