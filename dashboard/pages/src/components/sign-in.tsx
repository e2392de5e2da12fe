import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Access, type Role, read } from "../access.ts";

interface Props {
  /** The workspace that is on screen; another one's token is welcome as well. */
  workspace?: string;
  /** The role of the tokens that are asked for. */
  takes: Role;
  enter: (access: Access) => void;
}

/** The form that takes a token. It goes to this tab's storage and to the API, nowhere else. */
export function SignIn({ workspace, takes, enter }: Props): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const [fault, setFault] = useState("");
  useEffect(() => {
    // On a page of its own; beside numbers that someone reads it must not take the focus away.
    if (!workspace) input.current?.focus();
  }, [workspace]);
  const submit = (event: Event) => {
    event.preventDefault();
    const access = read(input.current?.value ?? "", takes);
    if (typeof access !== "string") return enter(access);
    setFault(access);
    input.current?.focus();
  };
  return (
    <form class="sign-in" onSubmit={submit} noValidate data-testid="sign-in">
      <label for="token">
        {workspace ? `New token for ${workspace}` : takes === "admin" ? "Admin token" : "Read token"}
      </label>
      <div class="field">
        <input
          id="token"
          ref={input}
          type="password"
          autocomplete="off"
          spellcheck={false}
          placeholder="eyJ…"
          aria-invalid={fault ? true : undefined}
          aria-describedby="token-hint"
          data-testid="token"
        />
        <button type="submit" class="button primary">
          Open
        </button>
      </div>
      <p id="token-hint" class={fault ? "hint fault" : "hint"} role={fault ? "alert" : undefined}>
        {fault || "It stays in this browser tab, and is forgotten when you close it."}
      </p>
    </form>
  );
}
