import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { formatHour } from "../dates.ts";
import { titleOf } from "../declared.ts";
import { format } from "../format.ts";
import {
  type Evidence,
  formatConfidence,
  formatEvidence,
  type Insight,
  isCalm,
  type Pattern,
  toldOnce,
} from "../insights.ts";

interface Props {
  /** Newest first. */
  insights: readonly Insight[];
  timezone: string | undefined;
}

/** What the analysis found: the newest insight in full, those before it at a click. */
export function InsightsCard({ insights, timezone }: Props): JSX.Element {
  const arrived = useArrival(insights[0]);
  return (
    <section class="card insights" aria-labelledby="insights-title" data-testid="insights">
      <h2 id="insights-title">Insights</h2>
      <p class="hidden" role="status">
        {arrived && `New insight: ${arrived.summary}`}
      </p>
      {insights.length === 0 && (
        <p class="none" data-testid="no-insights">
          Nothing analysed yet. Events are analysed in batches, and what is found appears here by itself.
        </p>
      )}
      <ol>
        {toldOnce(insights).map(({ insight, batches }, index) => (
          <li key={insight.id} class="insight">
            <Readable insight={insight} timezone={timezone} batches={batches} isOpen={index === 0} />
          </li>
        ))}
      </ol>
    </section>
  );
}

interface FactsProps {
  insight: Insight;
  timezone: string | undefined;
  /** That say the same, this one included. */
  batches?: number;
}

/** What an insight says in short, and, if there is more to it, that in full at a click. */
export function Readable({ isOpen, ...facts }: FactsProps & { isOpen: boolean }): JSX.Element {
  const { insight } = facts;
  const short = (
    <>
      <span class="insight-summary">{insight.summary}</span>
      <Facts {...facts} />
    </>
  );
  if (isCalm(insight)) {
    return (
      <div class="calm" data-testid="insight" data-insight={insight.id}>
        {short}
      </div>
    );
  }
  return (
    <details open={isOpen} data-testid="insight" data-insight={insight.id}>
      <summary>{short}</summary>
      <Findings insight={insight} />
    </details>
  );
}

export function Facts({ insight, timezone, batches = 1 }: FactsProps): JSX.Element {
  const { at, confidence, events, provider, model } = insight;
  const moment = new Date(at).toISOString();
  return (
    <span class="insight-facts">
      <span>{formatConfidence(confidence)} confidence</span>
      <time dateTime={moment}>{formatHour(moment, timezone, true)}</time>
      <span>{events === 1 ? "1 event" : `${format(events, { unit: "count" })} events`}</span>
      <span title={model}>{titleOf(provider)}</span>
      {batches > 1 && <span>{batches} batches alike</span>}
    </span>
  );
}

export function Findings({ insight: { patterns, recommendations } }: { insight: Insight }): JSX.Element {
  return (
    <div class="findings">
      {patterns.length > 0 && (
        <ul>
          {patterns.map((pattern) => (
            <PatternItem key={pattern.text} pattern={pattern} />
          ))}
        </ul>
      )}
      {recommendations.length > 0 && (
        <>
          <h3>Recommended</h3>
          <ul class="recommendations">
            {recommendations.map((recommendation) => (
              <li key={recommendation}>{recommendation}</li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

function PatternItem({ pattern: { kind, text, confidence, figures } }: { pattern: Pattern }): JSX.Element {
  return (
    <li class="pattern" data-testid="pattern">
      <p>
        <span class="pattern-kind">{titleOf(kind)}</span> {text}{" "}
        <span class="muted">{formatConfidence(confidence)} confidence</span>
      </p>
      <dl class="evidence">
        {figures.map((figure) => (
          <EvidenceItem key={figure.name} figure={figure} />
        ))}
      </dl>
    </li>
  );
}

function EvidenceItem({ figure: { name, value, usual, unit } }: { figure: Evidence }): JSX.Element {
  return (
    <div>
      <dt>{titleOf(name)}</dt>
      <dd>
        <data value={String(value)}>{formatEvidence(value, unit)}</data>
        {usual !== undefined && <span class="muted"> usually {formatEvidence(usual, unit)}</span>}
      </dd>
    </div>
  );
}

/** The insight that came while the page was open, to be said to those who do not see it come. */
export function useArrival(newest: Insight | undefined): Insight | undefined {
  const [arrived, setArrived] = useState<Insight>();
  const known = useRef(newest?.id);
  useEffect(() => {
    if (newest && newest.id !== known.current) setArrived(newest);
    known.current = newest?.id;
  }, [newest?.id]);
  return arrived;
}
