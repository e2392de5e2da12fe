import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Client, Readable } from "../../../../client/src/index.ts";
import { Dot } from "../../components/moving.tsx";
import { useNow, useOnline, useReadable } from "../../hooks.ts";
import { adminState, type Contact, contactAge } from "../contact.ts";

interface Props {
  client: Client | undefined;
  contact: Readable<Contact>;
}

/** The pill that says how current the page is. It alone ticks. */
export function AdminStatus({ client, contact }: Props): JSX.Element {
  const connection = useReadable(client?.connection);
  const seen = useReadable(contact) ?? contact.get();
  const now = useNow();
  const { state, label, spoken } = adminState({ contact: seen, connection, isOnline: useOnline(), now });
  useEffect(() => {
    document.documentElement.dataset.state = state;
  }, [state]);
  return (
    <div class="status">
      <span class="updated" data-testid="updated">
        {contactAge(seen, now)}
      </span>
      <span class="pill" data-testid="status">
        <Dot of={seen.at} />
        {label}
      </span>
      <span class="hidden" role="status">
        {spoken}
      </span>
    </div>
  );
}
