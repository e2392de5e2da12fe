import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { type Access, named, type Role } from "../access.ts";
import { Logo } from "./icons.tsx";
import { SignIn } from "./sign-in.tsx";

/** The page without a token. */
export function Welcome({ takes, enter }: { takes: Role; enter: (access: Access) => void }): JSX.Element {
  useEffect(() => {
    document.documentElement.dataset.state = "signed-out";
    document.title = "Tidemark";
  }, []);
  return (
    <main class="welcome">
      <div class="card">
        <Logo />
        <h1>Open a workspace</h1>
        <p>
          Paste {named(takes)}, or open the link that comes with one. Whoever runs Tidemark makes one with{" "}
          <code>tidemark token{takes === "admin" && " --role admin"}</code>.
        </p>
        <SignIn takes={takes} enter={enter} />
      </div>
    </main>
  );
}
