import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Access } from "../access.ts";
import { Logo } from "./icons.tsx";
import { SignIn } from "./sign-in.tsx";

/** The page without a token. */
export function Welcome({ enter }: { enter: (access: Access) => void }): JSX.Element {
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
          Paste a read token, or open the link that comes with one. Whoever runs Tidemark makes one with{" "}
          <code>tidemark token</code>.
        </p>
        <SignIn enter={enter} />
      </div>
    </main>
  );
}
