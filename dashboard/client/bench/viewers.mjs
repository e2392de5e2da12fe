// Many viewers in one process, driven by lines of JSON on standard input; each is a client of its own.
//   {"do":"drop"}    cut every socket at once, without a word
//   {"do":"report"}  print one line: how many are live, and the distinct positions and checksums that they hold
// Standard input's end closes them.
//
// node viewers.mjs '{"url":"…","workspace":"…","token":"…","viewers":200,"view":{"dashboard":"web","days":30},"rampMs":100,"via":""}'

import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import WebSocket from "ws";
import { connect } from "../../dist/tidemark.js";

const { url, workspace, token, viewers, view, rampMs, via } = JSON.parse(process.argv[2]);
const sockets = new Set();
let opened = 0;
let wrong = 0;

class Tracked extends WebSocket {
  constructor(address) {
    super(via ? address.replace(/^wss?:\/\/[^/]+/, via) : address, { perMessageDeflate: false });
    sockets.add(this);
    this.on("open", () => opened++);
    this.on("error", () => {}); // followed by a close, which the client sees
    this.on("close", () => sockets.delete(this));
  }
}

// Computed apart from the client, from what it shows.
const text = (value) =>
  Array.isArray(value)
    ? `[${value.map(text).join(",")}]`
    : value && typeof value === "object"
      ? `{${Object.keys(value)
          .sort()
          .map((key) => `${JSON.stringify(key)}:${text(value[key])}`)
          .join(",")}}`
      : JSON.stringify(value);
const sha256 = (value) => createHash("sha256").update(text(value)).digest("hex");
const checksum = (sections) =>
  sha256(Object.fromEntries(Object.entries(sections).map(([name, data]) => [name, sha256(data)])));

const clients = [];
const lives = [];
for (let number = 0; number < viewers; number++) {
  const client = connect({
    url,
    workspace,
    token: () => token,
    storage: false,
    lifecycle: false,
    environment: { WebSocket: Tracked },
  });
  clients.push(client);
  const live = client.view(view);
  live.subscribe((state) => {
    if (state.sections && !state.exact) wrong++;
  });
  lives.push(live);
  await new Promise((resolve) => setTimeout(resolve, rampMs));
}

function report() {
  const held = {};
  for (const live of lives) {
    const { status, position, sections } = live.get();
    const key = [status, position?.epoch, position?.seq, sections ? checksum(sections) : ""].join(" ");
    held[key] = (held[key] ?? 0) + 1;
  }
  return { opened, open: sockets.size, wrong, held };
}

console.log(JSON.stringify({ ready: viewers }));
for await (const line of createInterface({ input: process.stdin })) {
  const { do: what } = JSON.parse(line);
  if (what === "drop") for (const socket of sockets) socket.terminate();
  console.log(JSON.stringify(report()));
}
await Promise.all(clients.map((client) => client.close()));
process.exit(0);
