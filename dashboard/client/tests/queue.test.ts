import { describe, expect, test } from "vitest";
import { settle } from "./support/clock.ts";
import { Setup, VIEW } from "./support/page.ts";

/** Ids of the events of a type that have arrived. */
const arrived = ({ server }: Setup, type = "page") =>
  [...server.events.values()].filter((event) => event.type === type).map(({ event_id }) => event_id);

describe("the queue", () => {
  test("sends events soon, together and in order, and then holds none", async () => {
    const setup = new Setup();
    const client = setup.open();
    await setup.clock.advance(1000);
    const before = setup.server.requests;
    const ids = Array.from({ length: 30 }, (_, at) => client.track("page", { at }, { user_id: "u" }));
    expect(client.queue.get().pending).toBe(30);
    await settle(300);
    await setup.clock.advance(1000);
    await settle(300);
    expect(arrived(setup)).toEqual(ids);
    expect(setup.server.requests - before).toBe(1);
    expect(client.queue.get()).toEqual({ pending: 0, rejected: [] });
    expect([...setup.server.events.values()][0]).toMatchObject({
      user_id: "u",
      properties: { at: 0 },
      timestamp: expect.any(String),
    });
  });

  test("keeps events over a reload, with the ids and times that they were given", async () => {
    const setup = new Setup();
    setup.browser.network(false);
    Object.assign(setup.server, { rage: 1, only: ["http", "drop"] });
    const { client, crash } = setup.browser.page();
    const ids = [client.track("page"), client.track("page")];
    const time = new Date(setup.clock.now()).toISOString();
    await settle(100);
    await setup.clock.advance(60_000);
    crash();
    setup.server.rage = 0;
    setup.open();
    await setup.clock.advance(5000);
    expect(arrived(setup)).toEqual(ids);
    expect([...setup.server.events.values()].map(({ timestamp }) => timestamp).slice(0, 2)).toEqual([time, time]);
  });

  test("goes over HTTP while there is no socket", async () => {
    const setup = new Setup();
    Object.assign(setup.server, { rage: 1, only: ["silence"], silent: "socket" });
    const client = setup.open();
    const id = client.track("page");
    await setup.clock.advance(2000);
    expect(arrived(setup)).toEqual([id]);
    expect(client.connection.get().status).toBe("connecting");
  });

  test("sends what is too large for a frame over HTTP, and nothing that is too large for the server", async () => {
    const setup = new Setup();
    const client = setup.open();
    await setup.clock.advance(1000);
    const [large] = [
      client.track("page", { text: "x".repeat(32_000) }),
      client.track("page", { text: "x".repeat(33_000) }),
    ];
    await setup.clock.advance(1000);
    expect(arrived(setup)).toEqual([large]);
    expect(client.connection.get().status).toBe("open");
    expect(client.queue.get().rejected).toMatchObject([{ code: "event_too_large" }]);
  });

  test("reports what the server rejects, and does not send it again", async () => {
    const setup = new Setup();
    setup.server.invalid = "bad";
    const client = setup.open();
    await setup.clock.advance(1000);
    const [bad, good] = [client.track("bad"), client.track("page")];
    await setup.clock.advance(60_000);
    expect(arrived(setup)).toEqual([good]);
    expect(client.queue.get()).toMatchObject({ pending: 0, rejected: [{ event_id: bad, code: "invalid_event" }] });
  });

  test("is bounded: the oldest events are kept and the newest reported", async () => {
    const setup = new Setup();
    const client = setup.open({ storage: false });
    for (let count = 0; count < 10_001; count++) client.track("page");
    const { pending, rejected } = client.queue.get();
    expect(pending).toBe(10_000);
    expect(rejected.map(({ code }) => code)).toEqual(["queue_full"]);
  });

  test("of two tabs loses nothing", async () => {
    const setup = new Setup();
    const [one, other] = [setup.open(), setup.open()];
    const ids = Array.from({ length: 40 }, (_, at) => (at % 2 ? one : other).track("page"));
    await settle(400);
    for (let second = 0; second < 60; second++) await setup.clock.advance(1000);
    expect(arrived(setup).sort()).toEqual(ids.sort());
    expect([one.queue.get().pending, other.queue.get().pending]).toEqual([0, 0]);
  });

  test("flush sends at once, and resolves when a try has failed", async () => {
    const setup = new Setup();
    const client = setup.open();
    await setup.clock.advance(1000);
    const id = client.track("page");
    await setup.wait(client.flush());
    expect(arrived(setup)).toEqual([id]);
    setup.browser.network(false);
    Object.assign(setup.server, { rage: 1, only: ["drop"] });
    client.track("page");
    await setup.wait(client.flush());
    expect(client.queue.get().pending).toBeGreaterThan(0);
  });
});

describe("lifecycle events", () => {
  const events = ({ server }: Setup) => [...server.events.values()].filter(({ type }) => type.startsWith("analytics_"));

  test("are recorded in sequence, with what they are about", async () => {
    const setup = new Setup();
    const client = setup.open();
    setup.states(client);
    await setup.clock.advance(1000);
    for (let count = 0; count < 5; count++) setup.server.commit(VIEW);
    client.lifecycle("tab_switch", { tab: "overview" });
    await setup.clock.advance(120_000);
    const found = events(setup);
    expect(found.map(({ type }) => type)).toEqual([
      "analytics_bootstrap",
      "analytics_ws_subscribe",
      "analytics_tab_switch",
      "analytics_delta_apply",
      "analytics_idle_sync",
      "analytics_idle_sync",
    ]);
    expect(found.map(({ properties }) => properties.sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(new Set(found.map(({ properties }) => properties.connection)).size).toBe(1);
    expect(found[0].properties).toMatchObject({ dashboard: "web", days: 30, duration_ms: expect.any(Number) });
    expect(found[3].properties).toMatchObject({ count: 5 });
    expect(found[4].properties).toMatchObject({ verdict: "current" });
  });

  test("are not recorded of the dashboard that shows them, nor when they are not wanted", async () => {
    const setup = new Setup();
    setup.states(setup.open(), { dashboard: "lifecycle" });
    setup.states(setup.open({ lifecycle: false }));
    await setup.clock.advance(120_000);
    expect(events(setup)).toEqual([]);
  });
});

describe("storage", () => {
  test("keeps the 50 latest views, of the last 30 days", async () => {
    const setup = new Setup();
    const client = setup.open();
    const keys = () =>
      new Promise<string[]>((resolve) => {
        setup.browser.indexedDB.open("tidemark").onsuccess = ({ target }) => {
          const database = (target as IDBOpenDBRequest).result;
          database.transaction("views").objectStore("views").getAllKeys().onsuccess = (event) =>
            resolve((event.target as IDBRequest).result);
        };
      });
    for (let days = 1; days <= 55; days++) {
      await setup.wait(client.prefetch({ dashboard: "web", days }));
      await setup.clock.advance(100);
    }
    expect(await keys()).toHaveLength(50);
    expect((await keys()).some((key) => key.endsWith("web|5|"))).toBe(false);
    await setup.clock.advance(31 * 86_400_000, true);
    await setup.clock.advance(1000);
    await setup.wait(client.prefetch({ dashboard: "web", days: 99 }));
    await setup.clock.advance(1000);
    expect(await keys()).toHaveLength(1);
  });
});
