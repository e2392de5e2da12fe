// Where the token comes from: the URL fragment (which no server sees and no log keeps), this tab's storage, or a form.

const KEY = "tidemark";

/** Take the credentials out of the fragment, leaving only the view in the address bar. Null if there are none. */
export function takeCredentials() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  // Only together: an address from a link must never receive a token that was stored before.
  if (fragment.has("token") && fragment.has("ws")) {
    const { token, ws, workspace } = Object.fromEntries(fragment);
    storeCredentials({ token, ws, workspace });
  }
  showView({ dashboard: fragment.get("dashboard") ?? "web", days: Number(fragment.get("days")) || 30 });
  return JSON.parse(sessionStorage.getItem(KEY));
}

/** Keep credentials for this tab. The workspace, unless given, is the one that the token names. */
export function storeCredentials({ token, ws, workspace }) {
  sessionStorage.setItem(KEY, JSON.stringify({ token, ws, workspace: workspace || workspaceOf(token) }));
}

export function forgetCredentials() {
  sessionStorage.removeItem(KEY);
}

/** Put the view into the address bar, so that a reload or a bookmark shows it again. */
export function showView(view) {
  history.replaceState(null, "", `#${new URLSearchParams(view)}`);
}

export function viewShown() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  return { dashboard: fragment.get("dashboard"), days: Number(fragment.get("days")) };
}

function workspaceOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).ws ?? "";
  } catch {
    return ""; // not a JWT: the server will say so
  }
}
