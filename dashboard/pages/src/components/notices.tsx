import type { ComponentChildren, JSX } from "preact";
import type { Client, ViewState } from "../../../client/src/index.ts";
import { formatMoment } from "../dates.ts";
import { useOnline, useReadable } from "../hooks.ts";
import { isAway } from "../page-state.ts";
import { adviceFor, type Problem } from "../problem.ts";
import { Icon } from "./icons.tsx";

/** What went wrong: workspace, cause and request, and what to do about it. */
export function ProblemNotice({ problem, workspace, advice, children }: ProblemProps): JSX.Element {
  return (
    <div class="card notice bad" role="alert" data-testid="problem">
      <Icon name="alert" size={20} />
      <div>
        <p class="notice-title">{problem.message}</p>
        <p>{advice ?? adviceFor(problem)}</p>
        <p class="facts">
          <span>
            cause <code>{problem.code}</code>
          </span>
          <span>
            workspace <code>{workspace}</code>
          </span>
          {problem.request_id && (
            <span>
              request <code>{problem.request_id}</code>
            </span>
          )}
        </p>
        {children}
      </div>
    </div>
  );
}

interface ProblemProps {
  problem: Problem;
  workspace: string;
  /** In place of the usual one. */
  advice?: string | undefined;
  children?: ComponentChildren;
}

interface ConnectionProps {
  client: Client | undefined;
  view: ViewState | undefined;
}

/** While there is no network, or no connection for longer than a blink: what the numbers on screen are worth. */
export function ConnectionNotice({ client, view }: ConnectionProps): JSX.Element | null {
  const connection = useReadable(client?.connection);
  if (!useOnline()) return <Cut name="offline" title="You are offline" until="there is a network" view={view} />;
  if (!isAway(connection)) return null;
  return <Cut name="away" title="No connection to the server" until="there is one" view={view} />;
}

interface CutProps {
  name: string;
  title: string;
  /** What ends it. */
  until: string;
  view: ViewState | undefined;
}

function Cut({ name, title, until, view }: CutProps): JSX.Element {
  const confirmed = view?.sections ? (view.verifiedAt ?? Date.parse(view.generatedAt ?? "")) : undefined;
  return (
    <div class="card notice" role="status" data-testid={name}>
      <Icon name="info" size={20} />
      <div>
        <p class="notice-title">{title}</p>
        <p>
          {confirmed
            ? `These are the numbers of ${formatMoment(confirmed)}. They move again as soon as ${until}.`
            : `Nothing of this view was saved here. It loads as soon as ${until}.`}
        </p>
      </div>
    </div>
  );
}

/** A workspace, or a period, without a single event. */
export function EmptyNotice({
  url,
  days,
  widen,
}: {
  url: string;
  days: number;
  widen: (() => void) | undefined;
}): JSX.Element {
  const period = days === 1 ? "today" : `in the last ${days} days`;
  return (
    <section class="card empty" data-testid="empty" aria-labelledby="empty-title">
      <h2 id="empty-title">No events {period}</h2>
      <p>
        This page is live: the first event appears here by itself. Send one with any Segment SDK, or with your write key
        like this:
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>
        <code>{exampleFor(url)}</code>
      </pre>
      {widen && (
        <button type="button" class="button" onClick={widen}>
          Look at 12 months
        </button>
      )}
    </section>
  );
}

function exampleFor(url: string): string {
  return `curl -u "$WRITE_KEY:" ${url}/v1/page \\
  -H 'content-type: application/json' \\
  -d '{"anonymousId": "a-1", "properties": {"path": "/pricing"}}'`;
}
