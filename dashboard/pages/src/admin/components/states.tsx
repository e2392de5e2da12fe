import type { ComponentChildren, JSX } from "preact";
import { Icon } from "../../components/icons.tsx";
import type { Problem } from "../../problem.ts";
import type { Admin } from "../admin.ts";
import type { Section } from "../place.ts";
import type { Loaded } from "../use-loaded.ts";
import type { Pages } from "../use-pages.ts";
import { ChooseWorkspace } from "./scope.tsx";

interface Props<T> {
  loaded: Loaded<T>;
  admin: Admin;
  section: Section;
  children: (data: T) => ComponentChildren;
}

/** What was loaded; or that it loads, that it failed, or that the operator has to choose a workspace for it. */
export function Shown<T>({ loaded: { data, problem }, admin, section, children }: Props<T>): JSX.Element {
  if (problem?.code === "workspace_required") return <ChooseWorkspace admin={admin} section={section} />;
  return (
    <>
      {problem && <Fault problem={problem} />}
      {data === undefined ? !problem && <Loading /> : children(data)}
    </>
  );
}

/** That something could not be loaded. What is below it, if anything, is what was there before. */
export function Fault({ problem: { message, code, request_id } }: { problem: Problem }): JSX.Element {
  return (
    <p class="fault-line" role="alert" data-testid="fault">
      <Icon name="alert" size={16} />
      <span>
        {message} <code>{code}</code>
        {request_id && (
          <>
            {" "}
            request <code>{request_id}</code>
          </>
        )}
      </span>
    </p>
  );
}

export function Loading(): JSX.Element {
  return (
    <div class="loading-lines" aria-busy="true" data-testid="skeleton">
      <p class="hidden">Loading</p>
      <div class="bone" />
      <div class="bone" />
      <div class="bone" />
    </div>
  );
}

export function Nothing({ children }: { children: ComponentChildren }): JSX.Element {
  return (
    <p class="none" data-testid="nothing">
      {children}
    </p>
  );
}

/** Back and on through the pages of a list, where it has more than one. */
export function Pager({ pages, next, of }: { pages: Pages; next: string | undefined; of: string }): JSX.Element | null {
  if (!pages.back && !next) return null;
  return (
    <nav class="pager" aria-label={`Pages of ${of}`}>
      <button type="button" class="button" disabled={!pages.back} onClick={pages.back} data-testid="page-back">
        Back
      </button>
      <button
        type="button"
        class="button"
        disabled={!next}
        onClick={() => next && pages.on(next)}
        data-testid="page-on"
      >
        More
      </button>
    </nav>
  );
}
