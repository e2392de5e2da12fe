// A viewer written from docs/protocol.md alone: Node and `ws`, nothing of this project.
//
//     node interop_client.mjs HTTP_URL TOKEN VIEW
//
// It follows the view and takes its user's messages. Commands come on standard input, one a line: `check` reconciles and
// says what is held, `leave` closes the connection, `return` comes back by the position, `lose` ignores the next delta.
// Each is answered by one line of JSON.

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const WebSocket = createRequire(new URL("../../dashboard/package.json", import.meta.url))("ws");
const PATIENCE_MS = 60_000;
const [httpUrl, token, viewText] = process.argv.slice(2);
const view = JSON.parse(viewText);

/** The RFC 8785 form: JSON.stringify writes numbers and strings as it wants them, and `sort` compares UTF-16 units. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members}}`;
}

const checksum = (value) => createHash("sha256").update(canonical(value)).digest("hex");
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const entriesTo = (names, valueOf) => Object.fromEntries(names.map((name) => [name, valueOf(name)]));
const sameView = (other) => canonical(other) === canonical(view);

/** RFC 7396. */
function merged(target, patch) {
  if (!isObject(patch)) return patch;
  const result = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, merged(result.get(name), value));
  }
  return Object.fromEntries(result);
}

function insist(isTrue, what) {
  if (!isTrue) throw new Error(what);
}

const held = { sections: {}, sums: {}, position: undefined };
const said = { applied: 0, lost: 0, gaps: 0, verdicts: [], recovered: [], messages: [] };

/** Take a `snapshot` or a `reconciled` with the sections that came with it. */
function install(head, came) {
  const names = Object.keys(head.checksums).filter((name) => name !== "full");
  if (head.type !== "reconciled" || names.length > 0) {
    held.sections = entriesTo(names, (name) => came[name] ?? held.sections[name]);
    held.sums = entriesTo(names, (name) => checksum(held.sections[name]));
    for (const name of names) insist(held.sums[name] === head.checksums[name], `a wrong checksum of ${name}`);
  }
  insist(checksum(held.sums) === head.checksums.full, "a wrong full");
  held.position = head.position;
}

/** Apply a delta: `applied`, `known`, `lost`, or `gap` if something was missed. */
function apply(delta) {
  if (isLosing) {
    isLosing = false;
    said.lost += 1;
    return "lost";
  }
  const { epoch, seq } = held.position;
  if (delta.epoch === epoch && delta.seq <= seq) return "known";
  if (delta.epoch !== epoch || delta.base > seq) return "gap";
  const sections = merged(held.sections, delta.patch);
  const sums = entriesTo(Object.keys(sections), (name) =>
    Object.hasOwn(delta.patch, name) ? checksum(sections[name]) : held.sums[name],
  );
  if (checksum(sums) !== delta.checksums.full) return "gap";
  Object.assign(held, { sections, sums, position: { epoch, seq: delta.seq } });
  said.applied += 1;
  return "applied";
}

let isLosing = false;
let socket;
let lastId = 0;
const asked = new Map();
let deltas = [];
let wake = () => {};

/** What the socket brings: answers to whoever asked, deltas to a queue, messages to be acknowledged. */
function receive(message) {
  const answered = asked.get(message.id);
  if (answered) answered.hear(message);
  else if (message.type === "delta" && sameView(message.view)) {
    deltas.push(message);
    wake();
    exclusively(drain);
  } else if (message.type === "message") {
    if (!said.messages.includes(message.message_id)) said.messages.push(message.message_id);
    ask("acknowledge", { messages: [message.message_id] }).catch(fail);
  }
}

/** Send a request, and resolve once `take` returns something for one of the messages that answer it. */
function ask(action, fields, take = (message) => message) {
  const id = String(++lastId);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer to ${action}`)), PATIENCE_MS);
    const settle = (end, value) => {
      clearTimeout(timer);
      asked.delete(id);
      end(value);
    };
    const hear = (message) => {
      if (message.type === "error") return settle(reject, new Error(JSON.stringify(message)));
      const whole = take(message);
      if (whole !== undefined) settle(resolve, whole);
    };
    asked.set(id, { hear, timer });
    socket.send(JSON.stringify({ action, id, ...fields }));
  });
}

/** Ask with `bootstrap` or `reconcile`, and install the answer once all its sections are here. */
async function askWhole(action, fields) {
  let head;
  const parts = new Map();
  const came = {};
  const whole = await ask(action, { view, have: held.sums, ...fields }, (message) => {
    if (message.type !== "section") head = message;
    else {
      const found = parts.get(message.section) ?? [];
      parts.set(message.section, found);
      found[message.part] = message.data;
      if (Object.keys(found).length === message.parts) {
        came[message.section] = message.parts === 1 ? found[0] : JSON.parse(found.join(""));
      }
    }
    return Object.keys(came).length === head.sections.length ? head : undefined;
  });
  install(whole, came);
  return whole;
}

async function reconcile() {
  const head = await askWhole("reconcile", { position: held.position });
  said.verdicts.push(head.verdict);
  if (!head.subscribed) await subscribe();
}

async function subscribe() {
  const { recovered, position, checksums } = await ask("subscribe", { view, position: held.position });
  said.recovered.push(recovered);
  if (!recovered) return reconcile();
  const deadline = Date.now() + PATIENCE_MS;
  while (held.position.seq < position.seq) {
    if (deltas.length === 0) {
      insist(Date.now() < deadline, "the missed deltas do not follow");
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, 1000);
      });
    } else if (apply(deltas.shift()) === "gap") return reconcile();
  }
  if (held.position.seq === position.seq && checksum(held.sums) !== checksums.full) return reconcile();
}

async function drain() {
  while (deltas.length > 0) {
    if (apply(deltas.shift()) !== "gap") continue;
    said.gaps += 1;
    await reconcile();
  }
}

let last = Promise.resolve();
/** Do one thing after the other: while a reconcile is under way, deltas wait. */
function exclusively(work) {
  last = last.then(work);
  last.catch(fail);
  return last;
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

async function connect() {
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${httpUrl}/v1/ticket`, { method: "POST", headers });
  insist(answer.status === 200, `no ticket: ${answer.status}`);
  const { ticket, websocket_url: address } = await answer.json();
  deltas = [];
  socket = new WebSocket(`${address}?token=${encodeURIComponent(ticket)}`, { handshakeTimeout: PATIENCE_MS });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.on("message", (frame) => receive(JSON.parse(frame)));
  await exclusively(async () => {
    if (held.position === undefined) await askWhole("bootstrap");
    await subscribe();
  });
  const { type } = await ask("listen");
  insist(type === "listening", `not listening but ${type}`);
  return held.position;
}

async function leave() {
  await exclusively(() => {});
  // What comes from now on is not taken, so it comes again: deltas by the position, messages by `listen`.
  socket.removeAllListeners("message");
  for (const { timer } of asked.values()) clearTimeout(timer);
  asked.clear();
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.close();
  await closed;
  return held.position;
}

const commands = {
  leave,
  return: connect,
  lose: () => {
    isLosing = true;
    return {};
  },
  check: async () => {
    await exclusively(reconcile);
    return { ...said, position: held.position, checksums: { ...held.sums, full: checksum(held.sums) } };
  },
};
const say = (answer) => console.log(JSON.stringify(answer));

try {
  say(await connect());
  for await (const command of createInterface({ input: process.stdin })) say(await commands[command]());
  await leave();
} catch (error) {
  fail(error);
}
