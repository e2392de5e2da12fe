import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import type { ViewState } from "../src/index.ts";
import { canonical, type Json } from "./support/documents.ts";
import { last, Setup, VIEW } from "./support/page.ts";

const statuses = (states: ViewState[]) => states.map(({ status }) => status);

describe("a warm load", () => {
  async function warm(): Promise<Setup> {
    const setup = new Setup();
    const { client, crash } = setup.browser.page();
    setup.states(client);
    await setup.clock.advance(10_000);
    crash();
    setup.server.sentBytes = 0;
    return setup;
  }

  test("shows what was kept before a socket opens, and receives next to nothing when nothing has changed", async () => {
    const setup = await warm();
    const client = setup.open();
    const states = setup.states(client);
    await setup.clock.advance(0);
    expect(client.connection.get().status).toBe("connecting");
    expect(last(states)).toMatchObject({ status: "cached", exact: true, position: { seq: 1 } });
    await setup.clock.advance(2000);
    expect(statuses(states)).toEqual(["loading", "cached", "live"]);
    expect(setup.server.sentBytes).toBeLessThan(1000);
  });

  test("catches up with what was missed", async () => {
    const setup = await warm();
    for (let count = 0; count < 3; count++) setup.server.commit(VIEW);
    const states = setup.states(setup.open());
    await setup.clock.advance(2000);
    expect(last(states)).toMatchObject({ status: "live", position: { seq: 4 } });
    expect(canonical(last(states).sections)).toBe(canonical(setup.server.viewOf(VIEW).sections));
  });

  test("does not show what is not as it was kept", async () => {
    const setup = await warm();
    await new Promise<void>((resolve) => {
      const request = setup.browser.indexedDB.open("tidemark");
      request.onsuccess = () => {
        const store = request.result.transaction("views", "readwrite").objectStore("views");
        store.openCursor().onsuccess = ({ target }) => {
          const cursor = (target as Json).result;
          if (!cursor) return resolve();
          cursor.update({ ...cursor.value, sections: { ...cursor.value.sections, kpis: { pageviews: 1e6 } } });
          cursor.continue();
        };
      };
    });
    const states = setup.states(setup.open());
    await setup.clock.advance(2000);
    expect(statuses(states)).not.toContain("cached");
    expect(last(states).status).toBe("live");
  });

  test("finds nothing after a close that forgets", async () => {
    const setup = new Setup();
    const client = setup.open();
    setup.states(client);
    await setup.clock.advance(10_000);
    await Promise.all([client.close(true), setup.clock.advance(1000)]);
    const states = setup.states(setup.open());
    await setup.clock.advance(2000);
    expect(statuses(states)).not.toContain("cached");
    expect(last(states).status).toBe("live");
  });

  test("works without any storage", async () => {
    const setup = new Setup();
    const states = setup.states(setup.open({ storage: false }));
    await setup.clock.advance(2000);
    expect(last(states).status).toBe("live");
  });
});

describe("a view", () => {
  async function live() {
    const setup = new Setup();
    const client = setup.open();
    const states = setup.states(client);
    await setup.clock.advance(1000);
    return { setup, client, states };
  }

  test("follows deltas and names what they changed", async () => {
    const { setup, states } = await live();
    setup.server.commit(VIEW);
    await setup.clock.advance(200);
    expect(last(states)).toMatchObject({ status: "live", position: { seq: 2 } });
    expect(last(states).changed).toContain("kpis");
  });

  test("finds a push that got lost after 30 s of silence, and only then asks", async () => {
    const { setup, states } = await live();
    Object.assign(setup.server, { rage: 1, only: ["drop"] });
    setup.server.commit(VIEW);
    setup.server.rage = 0;
    const before = setup.server.requests;
    await setup.clock.advance(25_000);
    expect(setup.server.requests).toBe(before);
    expect(last(states).position?.seq).toBe(1);
    await setup.clock.advance(6000);
    expect(last(states)).toMatchObject({ status: "live", position: { seq: 2 } });
  });

  test("is not asked about while nobody looks, and verified when somebody does", async () => {
    const { setup, states } = await live();
    setup.browser.show(false);
    await setup.clock.advance(2000);
    const before = setup.server.requests;
    await setup.clock.advance(100_000);
    expect(setup.server.requests - before).toBeLessThan(3);
    setup.browser.show(true);
    await setup.clock.advance(500);
    expect(setup.clock.now() - (last(states).verifiedAt ?? 0)).toBeLessThan(500);
  });

  test("is shared by all who use it, and ends some time after the last", async () => {
    const { setup, client } = await live();
    const [one, other] = [client.view(VIEW), client.view({ dashboard: "web" })];
    const count = () => [...setup.server.sockets].flatMap(({ subscribed }) => [...subscribed]).length;
    await setup.clock.advance(1000);
    expect(count()).toBe(1);
    one.close();
    one.close();
    other.close();
    await setup.clock.advance(20_000);
    expect(count()).toBe(1); // the first use goes on
  });

  test("that ends is unsubscribed, and comes back", async () => {
    const setup = new Setup();
    const client = setup.open();
    const first = client.view(VIEW);
    await setup.clock.advance(1000);
    first.close();
    await setup.clock.advance(11_000);
    expect([...setup.server.sockets].map(({ subscribed }) => subscribed.size)).toEqual([0]);
    const states = setup.states(client);
    await setup.clock.advance(1000);
    expect(statuses(states)).toEqual(["loading", "cached", "live"]);
  });

  test("that the server will not have says why", async () => {
    const setup = new Setup();
    Object.assign(setup.server, { rage: 1, only: ["error"], errors: ["unknown_dashboard"] });
    const states = setup.states(setup.open());
    await setup.clock.advance(1000);
    expect(last(states)).toMatchObject({ status: "error", exact: false, error: { code: "unknown_dashboard" } });
  });

  test("on a page without WebCrypto shows nothing, and says why", async () => {
    const setup = new Setup();
    const getRandomValues = () => {};
    const { client } = setup.browser.page({}, { crypto: { getRandomValues } });
    const states = setup.states(client);
    await setup.clock.advance(1000);
    expect(last(states)).toMatchObject({ status: "error", exact: false, error: { code: "crypto_unavailable" } });
  });

  test("of the past is brought once and does not move", async () => {
    const setup = new Setup();
    const states = setup.states(setup.open(), { ...VIEW, to: "2026-11-01" });
    await setup.clock.advance(60_000);
    expect(statuses(states)).toEqual(["loading", "static"]);
  });
});

describe("a prefetch", () => {
  test("brings a view without subscribing, and keeps it for later", async () => {
    const setup = new Setup();
    const client = setup.open();
    const state = await setup.wait(client.prefetch({ dashboard: "web", days: 7 }));
    expect(state).toMatchObject({ status: "cached", exact: true });
    expect([...setup.server.sockets].map(({ subscribed }) => subscribed.size)).toEqual([0]);
    await setup.clock.advance(100);
    const states = setup.states(client, { dashboard: "web", days: 7 });
    await setup.clock.advance(0);
    expect(last(states).status).toBe("cached");
  });

  test("can be called off, before and after it began", async () => {
    const setup = new Setup();
    const client = setup.open();
    const abort = new AbortController();
    const begun = client.prefetch(VIEW, abort.signal);
    abort.abort();
    await expect(begun).rejects.toMatchObject({ name: "AbortError" });
    await expect(client.prefetch(VIEW, abort.signal)).rejects.toMatchObject({ name: "AbortError" });
  });

  test("that the server refuses is rejected with its code", async () => {
    const setup = new Setup();
    Object.assign(setup.server, { rage: 1, only: ["error"], errors: ["unknown_dashboard"] });
    await expect(setup.wait(setup.open().prefetch(VIEW))).rejects.toMatchObject({ code: "unknown_dashboard" });
  });
});
