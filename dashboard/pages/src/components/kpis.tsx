import type { JSX } from "preact";
import type { Figure } from "../board.ts";
import { type Change, changeOf } from "../change.ts";
import { barLength, format, formatExact, partsOf } from "../format.ts";
import { previousTitle } from "../period.ts";
import { Icon } from "./icons.tsx";
import { Moving } from "./moving.tsx";
import { Sparkline } from "./sparkline.tsx";

/** The key figures, each with its change against the period before. */
export function Kpis({ kpis, days }: { kpis: readonly Figure[]; days: number }): JSX.Element {
  return (
    <section aria-labelledby="kpis-title">
      <h2 id="kpis-title" class="hidden">
        Key figures
      </h2>
      <ul class="kpis">
        {kpis.map((kpi) => (
          <li key={kpi.name} class="card kpi" data-testid={`kpi-${kpi.name}`} data-value={raw(kpi.value)}>
            <h3 title={kpi.about}>
              {kpi.title}
              {kpi.about && <span class="hidden">: {kpi.about}</span>}
            </h3>
            <Value figure={kpi} class="kpi-value" />
            <ChangeLine figure={kpi} days={days} />
            {kpi.points.length > 1 ? <Sparkline points={kpi.points} /> : <Comparison figure={kpi} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A decoration for a figure without a series: it and the period before, as two bars. */
function Comparison({ figure: { value, before } }: { figure: Figure }): JSX.Element | null {
  if (typeof value !== "number" || typeof before !== "number" || value < 0 || before < 0) return null;
  const highest = Math.max(value, before) || 1;
  return (
    <div class="comparison" aria-hidden="true">
      <i style={{ "--share": barLength(value, highest) }} />
      <i style={{ "--share": barLength(before, highest) }} />
    </div>
  );
}

/** A value and its unit; what a short form hides is in its title. */
export function Value({ figure, class: name }: { figure: Figure; class: string }): JSX.Element {
  const { number, unit } = partsOf(figure.value, figure);
  return (
    <p class={name}>
      <Moving of={number}>
        <data value={raw(figure.value)} title={formatExact(figure.value, figure)}>
          {number}
          {unit && <span class={unit === "%" ? "unit tight" : "unit"}>{unit}</span>}
        </data>
      </Moving>
    </p>
  );
}

/** The line below a value: its change since the period before, in words for those who do not see the arrow. */
export function ChangeLine({ figure, days }: { figure: Figure; days: number }): JSX.Element {
  // A day that still runs is not less than the whole one before: that is said, and nothing concluded.
  if (days === 1 && figure.before !== undefined && figure.before !== 0) {
    return <p class="change">{format(figure.before, figure)} in all of yesterday</p>;
  }
  const change = changeOf(figure.value, figure.before, figure);
  if (!change || days === 1) return <p class="change" aria-hidden="true" />;
  const before = `In ${previousTitle(days)}: ${format(figure.before, figure)}`;
  return (
    <p class="change" title={before}>
      <span class={`delta ${change.verdict}`}>
        {change.direction !== "same" && <Icon name={change.direction} size={13} />}
        <span class="hidden">{spoken(change)} </span>
        {change.text}
      </span>
      <span class="before">
        <span aria-hidden="true">from </span>
        <span class="hidden">, in {previousTitle(days)} </span>
        {format(figure.before, figure)}
      </span>
    </p>
  );
}

function spoken({ direction, verdict }: Change): string {
  const words = { up: "up", down: "down", same: "unchanged" }[direction];
  return verdict === "neutral" ? words : `${words}, ${verdict === "good" ? "better" : "worse"}:`;
}

function raw(value: unknown): string {
  return typeof value === "number" || typeof value === "string" ? String(value) : "";
}
