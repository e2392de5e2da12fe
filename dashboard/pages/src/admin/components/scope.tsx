import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Admin } from "../admin.ts";
import { analysed } from "../model.ts";
import { adminPlaceOf, isWorkspace, type Section } from "../place.ts";
import { useLoaded } from "../use-loaded.ts";
import { Go } from "./go.tsx";

const NAMES_EVERY_MS = 60_000;
/** That are offered to be clicked; the field suggests more, and takes any. */
const OFFERED = 12;

/** The operator's choice of a workspace, or of all. */
export function ScopeField({ admin, section }: { admin: Admin; section: Section }): JSX.Element {
  const { api, beat, workspace, visit } = admin;
  const input = useRef<HTMLInputElement>(null);
  const [isWrong, setWrong] = useState(false);
  const { data: names } = useLoaded("workspaces", (signal) => api.workspaces(signal), beat, NAMES_EVERY_MS);
  useEffect(() => {
    if (input.current) input.current.value = workspace ?? "";
    setWrong(false);
  }, [workspace]);
  const choose = (event: Event) => {
    event.preventDefault();
    const wanted = input.current?.value.trim() ?? "";
    const isGood = wanted === "" || isWorkspace(wanted);
    setWrong(!isGood);
    // Enter is a change and a submission: the second of them finds that it has been done.
    const isNew = wanted !== (adminPlaceOf(location.search).workspace ?? "");
    if (isGood && isNew) visit({ section, workspace: wanted || undefined });
  };
  return (
    <form class="scope" onSubmit={choose} noValidate>
      <label for="scope">Workspace</label>
      <input
        id="scope"
        ref={input}
        list="scope-names"
        placeholder="all of them"
        autocomplete="off"
        spellcheck={false}
        aria-invalid={isWrong ? true : undefined}
        data-testid="scope"
        onChange={choose}
      />
      <datalist id="scope-names">
        {names?.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {workspace && (
        <Go to={{ section }} visit={visit} class="all-workspaces" testId="all-workspaces">
          all
        </Go>
      )}
    </form>
  );
}

/** What is kept by workspace, of which it is: the one that was chosen, or the only one of which there is anything. */
export function useOne({ api, beat, isOperator, workspace }: Admin): string | undefined {
  const load = (signal: AbortSignal) => (isOperator ? api.workspaces(signal) : Promise.resolve([]));
  const { data } = useLoaded("workspaces", load, beat, NAMES_EVERY_MS);
  const names = analysed(data ?? []);
  return workspace ?? (names.length === 1 ? names[0] : undefined);
}

/** What is kept by workspace cannot be shown of all of them. */
export function ChooseWorkspace({ admin, section }: { admin: Admin; section: Section }): JSX.Element {
  const { api, beat, visit } = admin;
  const { data } = useLoaded("workspaces", (signal) => api.workspaces(signal), beat, NAMES_EVERY_MS);
  const names = data && analysed(data);
  return (
    <div class="choose" data-testid="choose-workspace">
      <p class="none">This is kept by workspace. Choose one above{names?.length ? ", or here:" : "."}</p>
      <ul>
        {names?.slice(0, OFFERED).map((name) => (
          <li key={name}>
            <Go to={{ section, workspace: name }} visit={visit} class="button">
              {name}
            </Go>
          </li>
        ))}
      </ul>
    </div>
  );
}
