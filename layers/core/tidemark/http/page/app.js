// Wires it all together: credentials, connection, session, board, and what the page says about its own state.

import { fetchDashboards } from "./api.js";
import { Board, showChoice } from "./board.js";
import { forgetCredentials, showView, storeCredentials, takeCredentials, viewShown } from "./credentials.js";
import { formatAge } from "./format.js";
import { Session } from "./session.js";
import { Wire } from "./wire.js";

const byId = (id) => document.getElementById(id);
const root = document.documentElement;
const WORDS = { connecting: "Connecting", live: "Live", reconnecting: "Reconnecting", offline: "Offline", error: "Error" };
const PERIODS = [7, 30, 90].map((days) => ({ name: String(days), title: `${days} days` }));
const REFUSED = ["unauthorized", "token_expired", "forbidden"];
const HOPELESS = [...REFUSED, "unknown_dashboard", "invalid_view", "view_not_live", "too_many_views", "invalid_request"];

function setState(state) {
  root.dataset.state = state;
  if (byId("status").textContent !== WORDS[state]) byId("status").textContent = WORDS[state];
}

function setProblem(error) {
  byId("problem").hidden = !error;
  if (!error) return;
  const code = document.createElement("code");
  code.textContent = error.code ?? "client_error";
  byId("problem").replaceChildren(code, error.message, error.requestId ? ` (request ${error.requestId})` : "");
  setState("error");
}

function start(credentials) {
  const board = new Board();
  let view = viewShown();
  let dashboards = null;
  let sections = null;
  let updatedAt = null;
  let isDrawn = true;

  const draw = () => {
    if (isDrawn) return;
    isDrawn = true;
    const names = dashboards ?? [{ name: view.dashboard }];
    showChoice("dashboards", names, view.dashboard, (dashboard) => choose({ ...view, dashboard }));
    showChoice("days", PERIODS, view.days, (days) => choose({ ...view, days: Number(days) }));
    byId("board").hidden = false;
    board.show(sections ?? {}, names.find(({ name }) => name === view.dashboard) ?? {});
  };
  const redraw = () => {
    if (isDrawn) requestAnimationFrame(draw); // however many deltas come, one drawing a frame
    isDrawn = false;
  };
  const choose = (next) => {
    view = next;
    sections = null;
    showView(view);
    setProblem(null);
    setState("connecting");
    redraw();
    session.watch(view);
  };
  const failed = (error) => {
    if (REFUSED.includes(error.code)) {
      wire.close();
      forgetCredentials();
      askCredentials(credentials.ws);
    }
    setProblem(error);
    return !HOPELESS.includes(error.code);
  };
  const declare = async () => {
    try {
      dashboards = await fetchDashboards(credentials);
      redraw();
    } catch (error) {
      // A browser does not tell why a WebSocket was refused; this answer does. Names can be done without.
      if (REFUSED.includes(error.code)) failed(error);
    }
  };

  const wire = new Wire(addressOf(credentials), {
    opened: () => session.connected(),
    closed: (everOpened) => {
      session.disconnected();
      setState(navigator.onLine ? "reconnecting" : "offline");
      if (!everOpened || !dashboards) declare();
    },
    message: (message) => session.received(message),
  });
  const session = new Session(wire, {
    changed: (state, isDelta) => {
      sections = state.sections;
      updatedAt = isDelta ? Date.now() : Date.parse(state.generatedAt);
      const { epoch, seq } = state;
      Object.assign(root.dataset, { epoch, seq, deltas: Number(root.dataset.deltas ?? 0) + Number(isDelta) });
      redraw();
    },
    live: () => {
      setProblem(null);
      setState("live");
    },
    failed,
  });

  byId("credentials").hidden = true;
  byId("workspace").textContent = credentials.workspace;
  byId("leave").onclick = () => {
    forgetCredentials();
    location.reload();
  };
  addEventListener("online", () => wire.wake());
  addEventListener("visibilitychange", () => document.hidden || wire.wake());
  setInterval(() => {
    byId("updated").textContent = updatedAt ? `updated ${formatAge(Date.now() - updatedAt)}` : "";
  }, 1000);
  session.watch(view);
  redraw();
  declare();
  wire.open();
}

function addressOf({ ws, token }) {
  const address = new URL(ws);
  address.searchParams.set("token", token);
  return address.href;
}

function askCredentials(ws = "") {
  const form = byId("credentials");
  form.hidden = false;
  byId("board").hidden = true;
  form.elements.ws.value = ws;
  form.elements.token.focus();
  setState("offline");
  form.onsubmit = (event) => {
    event.preventDefault();
    storeCredentials(Object.fromEntries(new FormData(form)));
    location.reload();
  };
}

addEventListener("hashchange", () => location.reload()); // a link with a new token, opened in the same tab
const credentials = takeCredentials();
if (credentials) start(credentials);
else askCredentials();
