import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Client, ConnectionState, ViewState } from "../../../client/src/index.ts";
import { listen, useNow, useOnline, useReadable } from "../hooks.ts";
import { freshness, pageState } from "../page-state.ts";
import type { Problem } from "../problem.ts";
import { Dot } from "./moving.tsx";

interface Props {
  client: Client | undefined;
  view: ViewState | undefined;
  problem: Problem | undefined;
  workspace: string;
}

/** The pill that says how true the page is, and the proof behind it. It alone ticks. */
export function Status({ client, view, problem, workspace }: Props): JSX.Element {
  const connection = useReadable(client?.connection);
  const now = useNow();
  const isOnline = useOnline();
  const [isOpen, setOpen] = useState(false);
  const node = useRef<HTMLDivElement>(null);
  const { state, label, spoken } = pageState({ view, connection, problem, isOnline, now });
  const fresh = freshness(view, now);

  useEffect(() => {
    document.documentElement.dataset.state = state;
  }, [state]);
  useEffect(() => {
    if (!isOpen) return;
    return listen(document, {
      pointerdown: ({ target }) => node.current?.contains(target as Node) || setOpen(false),
      keydown: (event) => (event as KeyboardEvent).key === "Escape" && setOpen(false),
    });
  }, [isOpen]);

  return (
    <div class="status" ref={node}>
      <span class="updated" data-testid="updated">
        {fresh}
      </span>
      <button
        type="button"
        class="pill"
        data-testid="status"
        aria-expanded={isOpen}
        aria-controls="proof"
        onClick={() => setOpen(!isOpen)}
      >
        <Dot of={view?.position?.seq} />
        {label}
      </button>
      <span class="hidden" role="status">
        {spoken}
      </span>
      <div class="card proof" id="proof" hidden={!isOpen}>
        <Proof client={client} view={view} connection={connection} workspace={workspace} fresh={fresh} />
      </div>
    </div>
  );
}

interface ProofProps {
  client: Client | undefined;
  view: ViewState | undefined;
  connection: ConnectionState | undefined;
  workspace: string;
  fresh: string;
}

function Proof({ client, view, connection, workspace, fresh }: ProofProps): JSX.Element {
  const pending = useReadable(client?.queue)?.pending ?? 0;
  const rows: [string, string][] = [
    ["Workspace", workspace],
    ["Numbers", worthOf(view)],
    ["Checked", fresh || "not yet"],
    ["Position", view?.position ? `${view.position.seq} in ${view.position.epoch.slice(0, 8)}` : "–"],
    [
      "Connection",
      connection ? `${connection.status}${connection.attempt ? `, attempt ${connection.attempt}` : ""}` : "–",
    ],
    ["Events to send", String(pending)],
  ];
  if (connection?.error) rows.push(["Last error", `${connection.error.code}: ${connection.error.message}`]);
  return (
    <dl>
      {rows.map(([term, description]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{description}</dd>
        </div>
      ))}
    </dl>
  );
}

/** How the numbers on screen stand to the server's. */
function worthOf(view: ViewState | undefined): string {
  if (!view?.sections) return "none yet";
  if (!view.exact) return "not checked";
  const isCurrent = view.status === "live" || view.status === "static";
  return isCurrent ? "equal to the server’s, by checksum" : "equal to the server’s when last checked";
}
