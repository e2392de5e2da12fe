import { expect, test } from "vitest";
import { fullJitter } from "../src/backoff.ts";
import { tokenOf } from "./support/browser.ts";
import { last, Setup, VIEW } from "./support/page.ts";

const HOUR = 3_600_000;

test("waits are random, between nothing and a bound that doubles up to 30 s", () => {
  expect([0, 1, 2, 5, 6, 2000].map((attempt) => fullJitter(() => 1, attempt))).toEqual([
    500, 1000, 2000, 16_000, 30_000, 30_000,
  ]);
  expect(fullJitter(() => 0, 5)).toBe(0);
});

test("a ticket opens the socket, and the token stands in no address", async () => {
  const setup = new Setup();
  const token = tokenOf(setup.clock, HOUR);
  const client = setup.open({ token: () => token });
  await setup.clock.advance(1000);
  expect(setup.statuses).toEqual(["connecting", "open"]);
  expect([...setup.server.sockets].map(({ url }) => url.includes(token))).toEqual([false]);
  expect(client.connection.get()).toMatchObject({ status: "open" });
});

test("a connection is renewed before its 2 hours are over, without the view ever being stale", async () => {
  const setup = new Setup();
  const client = setup.open({ token: () => tokenOf(setup.clock, 24 * HOUR) });
  const states = setup.states(client);
  await setup.clock.advance(1000);
  const [first] = setup.server.sockets;
  await setup.clock.advance(99 * 60_000);
  expect([...setup.server.sockets]).toEqual([first]);
  for (let minute = 0; minute < 20; minute++) {
    setup.server.commit(VIEW);
    await setup.clock.advance(60_000);
    expect(setup.server.sockets.size).toBe(1);
  }
  expect([...setup.server.sockets]).not.toEqual([first]);
  expect(new Set(states.slice(4).map(({ status }) => status))).toEqual(new Set(["live"]));
  expect(setup.statuses.filter((status) => status !== "open")).toEqual(["connecting"]);
});

test("a connection is renewed before its token ends, with a token that the callback is asked for", async () => {
  const setup = new Setup();
  let asked = 0;
  setup.open({
    token: () => {
      asked++;
      return tokenOf(setup.clock, HOUR / 2);
    },
  });
  await setup.clock.advance(2 * HOUR);
  expect(asked).toBeGreaterThanOrEqual(4);
  expect(asked).toBeLessThan(8);
  expect(setup.statuses.filter((status) => status !== "open")).toEqual(["connecting"]);
});

test("a callback that has only the old token is not asked without end, and the end of the token is said", async () => {
  const setup = new Setup();
  let asked = 0;
  const token = tokenOf(setup.clock, HOUR);
  const client = setup.open({
    token: () => {
      asked++;
      return token;
    },
  });
  const states = setup.states(client);
  await setup.clock.advance(HOUR + 120_000);
  expect(client.connection.get()).toMatchObject({ status: "refused", error: { code: "token_expired" } });
  expect(last(states)).toMatchObject({ status: "stale", exact: true });
  expect(asked).toBeLessThan(20);
});

test("a clock that is wrong by a day does not cut connections", async () => {
  const setup = new Setup();
  setup.server.clockSkewMs = -24 * HOUR;
  setup.open({ token: () => tokenOf(setup.clock, HOUR - 24 * HOUR) });
  await setup.clock.advance(10 * 60_000);
  expect(setup.statuses).toEqual(["connecting", "open"]);
});

test("losses are followed by ever longer waits, and say when the next try is", async () => {
  const setup = new Setup();
  const client = setup.open();
  await setup.clock.advance(1000);
  Object.assign(setup.server, { rage: 1, only: ["http"] });
  for (const socket of setup.server.sockets) socket.die();
  const before = setup.server.requests;
  await setup.clock.advance(300_000);
  const { status, attempt, retryAt, error } = client.connection.get();
  expect({ status, code: error?.code }).toEqual({ status: "waiting", code: expect.any(String) });
  expect(attempt).toBeGreaterThan(8);
  expect(retryAt).toBeGreaterThan(setup.clock.now());
  expect(setup.server.requests - before).toBeLessThan(60);
});

test("the network's loss and return are noticed at once", async () => {
  const setup = new Setup();
  const client = setup.open();
  const states = setup.states(client);
  await setup.clock.advance(1000);
  setup.browser.network(false);
  await setup.clock.advance(10);
  expect(client.connection.get().status).toBe("offline");
  expect(last(states).status).toBe("stale");
  Object.assign(setup.server, { rage: 1, only: ["http"] });
  await setup.clock.advance(600_000);
  setup.server.rage = 0;
  setup.browser.network(true);
  await setup.clock.advance(1500);
  expect(last(states).status).toBe("live");
});

test("a machine that slept takes a new connection", async () => {
  const setup = new Setup();
  const client = setup.open({ token: () => tokenOf(setup.clock, 24 * HOUR) });
  const states = setup.states(client);
  await setup.clock.advance(1000);
  const [first] = setup.server.sockets;
  Object.assign(setup.server, { rage: 0 });
  setup.server.commit(VIEW);
  await setup.clock.advance(HOUR / 2, true);
  await setup.clock.advance(2000);
  expect(setup.server.sockets.size).toBe(1);
  expect([...setup.server.sockets]).not.toEqual([first]);
  expect(last(states)).toMatchObject({ status: "live", position: { seq: 2 } });
});

test("after closing nothing is left", async () => {
  const setup = new Setup();
  const client = setup.open();
  setup.states(client);
  client.listen(() => {});
  await setup.clock.advance(1000);
  await setup.wait(client.close());
  expect(client.connection.get().status).toBe("closed");
  await setup.clock.advance(6000);
  expect([...setup.browser.timers]).toEqual([]);
  expect(setup.server.sockets.size).toBe(0);
});
