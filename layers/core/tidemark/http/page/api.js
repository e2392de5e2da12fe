// The HTTP API, as far as the page needs it. Addresses are relative: locally the API lives under a path.

import { ServerError } from "./wire.js";

/** The dashboards that the workspace has enabled, as declared. Throws ServerError, or TypeError without a network. */
export async function fetchDashboards({ workspace, token }) {
  const path = `v1/workspaces/${encodeURIComponent(workspace)}/dashboards`;
  const response = await fetch(new URL(path, document.baseURI), { headers: { Authorization: `Bearer ${token}` } });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ServerError(body);
  return body.dashboards;
}
