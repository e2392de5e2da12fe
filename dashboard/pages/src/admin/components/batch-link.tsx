import type { JSX } from "preact";
import type { Admin } from "../admin.ts";
import type { BatchKey } from "../model.ts";
import { Go } from "./go.tsx";

/** Behind its hour an id may be broken. */
const HOUR_CHARACTERS = "2026-11-22T10:00Z".length;

/** A batch by its id; among those of all workspaces with its workspace. */
export function BatchLink({
  batch: { workspace_id, batch_id },
  admin,
}: {
  batch: BatchKey;
  admin: Admin;
}): JSX.Element {
  const [hour, number] = [batch_id.slice(0, HOUR_CHARACTERS), batch_id.slice(HOUR_CHARACTERS)];
  const workspace = admin.isOperator ? workspace_id : undefined;
  return (
    <>
      <Go to={{ section: "batches", workspace, batch: batch_id }} visit={admin.visit} class="batch-id">
        {hour}
        <wbr />
        {number}
      </Go>
      {admin.isOperator && !admin.workspace && (
        <Go to={{ section: "batches", workspace }} visit={admin.visit} class="of-workspace">
          {workspace_id}
        </Go>
      )}
    </>
  );
}
