import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { type Writable, writable } from "../../../../client/src/readable.ts";
import { ProblemNotice } from "../../components/notices.tsx";
import type { PageProps } from "../../components/root.tsx";
import { SignIn } from "../../components/sign-in.tsx";
import { Toasts } from "../../components/toasts.tsx";
import { TopBar } from "../../components/top-bar.tsx";
import { useOnline, useReadable } from "../../hooks.ts";
import { keepShortcuts, readShortcuts } from "../../preferences.ts";
import { isRefusal } from "../../problem.ts";
import { useShortcuts } from "../../shortcuts.ts";
import { useToasts } from "../../toasts.ts";
import { useClient } from "../../use-client.ts";
import type { Admin } from "../admin.ts";
import { AdminApi } from "../api.ts";
import { Beat } from "../beat.ts";
import { afterAnswer, type Contact } from "../contact.ts";
import { OPERATIONS } from "../model.ts";
import { SECTIONS, type Section } from "../place.ts";
import { useAdminPlace } from "../use-admin-place.ts";
import { useDeeds } from "../use-deeds.ts";
import { useLive } from "../use-live.ts";
import { useLoaded } from "../use-loaded.ts";
import { AdminHelp } from "./admin-help.tsx";
import { AdminStatus } from "./admin-status.tsx";
import { BatchDetail } from "./batch-detail.tsx";
import { Batches } from "./batches.tsx";
import { BreakerBanner } from "./breakers.tsx";
import { Confirm } from "./confirm.tsx";
import { Go } from "./go.tsx";
import { Jobs } from "./jobs.tsx";
import { Overview } from "./overview.tsx";
import { ScopeField } from "./scope.tsx";
import { Timeline } from "./timeline.tsx";

const TITLES: Readonly<Record<Section, string>> = {
  overview: "Overview",
  batches: "Batches",
  jobs: "Jobs",
  insights: "Insights",
};
/** Elsewhere than in the overview they are for the banner and the count of dead letters alone. */
const METRICS_ELSEWHERE_MS = 15_000;

/** Everything that an admin token administers: four tabs, and what stands above them. */
export function AdminPage({ url, access, theme, enter, leave }: PageProps): JSX.Element {
  const [place, visit] = useAdminPlace();
  const { section } = place;
  const [beat] = useState(() => new Beat());
  const contact = useMemo<Writable<Contact>>(() => writable({ at: undefined, problem: undefined }), [access]);
  const api = useMemo(
    () => new AdminApi(url, access.token, (problem) => contact.set(afterAnswer(contact.get(), problem, Date.now()))),
    [url, access, contact],
  );
  const client = useClient(url, access, false);
  const live = useLive(url, access, client, beat);
  const { toasts, tell, dismiss } = useToasts();
  const { question, isBusy, ask, answer } = useDeeds(tell, beat);
  const [isHelpOpen, setHelpOpen] = useState(false);
  const [hasShortcuts, setShortcuts] = useState(readShortcuts);
  const refusal = useReadable(contact)?.problem;
  const isOnline = useOnline();
  const isOperator = access.workspace === OPERATIONS;
  const workspace = isOperator ? place.workspace : undefined;
  const admin: Admin = { api, beat, isOperator, workspace, visit, ask, isBusy };
  const metrics = useLoaded(
    `metrics|${workspace}|${access.token}`,
    (signal) => api.metrics(workspace, signal),
    beat,
    section === "overview" ? undefined : METRICS_ELSEWHERE_MS,
  );
  useEffect(() => {
    document.title = [TITLES[section], workspace ?? access.workspace, "Tidemark admin"].join(" · ");
  }, [section, workspace, access.workspace]);
  useShortcuts(
    {
      ...Object.fromEntries(
        SECTIONS.map((name, index) => [String(index + 1), () => visit({ section: name, workspace })]),
      ),
      r: () => beat.strike(),
      c: theme.next,
    },
    hasShortcuts,
  );
  useShortcuts({ "?": () => setHelpOpen(true) }, true);

  return (
    <>
      <a class="skip" href="#board">
        Skip to the content
      </a>
      <TopBar
        workspace={access.workspace}
        theme={theme.theme}
        nextTheme={theme.next}
        help={() => setHelpOpen(true)}
        leave={leave}
      >
        <AdminStatus client={client} contact={contact} />
      </TopBar>
      <main id="board" tabIndex={-1} class="admin">
        <h1 class="hidden">
          {TITLES[section]}, {workspace ?? access.workspace}
        </h1>
        <div class="toolbar">
          <nav class="dashboards" aria-label="Sections">
            {SECTIONS.map((name) => (
              <Go
                key={name}
                to={{ section: name, workspace }}
                visit={visit}
                testId={`section-${name}`}
                isCurrent={name === section}
              >
                {TITLES[name]}
                {name === "jobs" && <DeadCount count={metrics.data?.dead_letters} />}
              </Go>
            ))}
          </nav>
          {isOperator && <ScopeField admin={admin} section={section} />}
        </div>
        {isRefusal(refusal) && refusal && (
          <ProblemNotice problem={refusal} workspace={access.workspace} advice={adviceOf(refusal.code)}>
            <SignIn workspace={access.workspace} takes="admin" enter={enter} />
          </ProblemNotice>
        )}
        {!isOnline && (
          <p class="card notice" role="status" data-testid="offline">
            You are offline. What is on screen was so when the server last answered; it goes on by itself.
          </p>
        )}
        <BreakerBanner breakers={metrics.data?.breakers ?? []} />
        {!isRefusal(refusal) && (
          <div key={access.token} data-testid={`show-${section}`}>
            {section === "overview" && (
              <Overview admin={admin} metrics={metrics} url={url} live={live} scheme={theme.scheme} />
            )}
            {section === "batches" &&
              (place.batch ? <BatchDetail admin={admin} id={place.batch} /> : <Batches admin={admin} place={place} />)}
            {section === "jobs" && <Jobs admin={admin} place={place} />}
            {section === "insights" && <Timeline admin={admin} />}
          </div>
        )}
      </main>
      <footer class="footer">
        <p>Times are of this browser’s clock, ids have UTC</p>
        <p>
          Tidemark · <a href={`${url}/dashboard`}>Dashboards</a> · <a href={`${url}/docs`}>API</a>
        </p>
      </footer>
      <AdminHelp
        isOpen={isHelpOpen}
        close={() => setHelpOpen(false)}
        hasShortcuts={hasShortcuts}
        setShortcuts={(isOn) => {
          setShortcuts(isOn);
          keepShortcuts(isOn);
        }}
      />
      <Confirm question={question} answer={answer} />
      <Toasts toasts={toasts} dismiss={dismiss} />
    </>
  );
}

function DeadCount({ count }: { count: number | undefined }): JSX.Element | null {
  if (!count) return null;
  return (
    <span class="count">
      {count}
      <span class="hidden"> dead letters</span>
    </span>
  );
}

function adviceOf(code: string): string | undefined {
  return code === "forbidden"
    ? "This page is for admin tokens: of a workspace, or the operator’s. Paste one."
    : undefined;
}
