import { expect, test } from "vitest";
import { Setup } from "./support/page.ts";

test("messages come in order and are acknowledged once they are handled", async () => {
  const setup = new Setup();
  setup.server.notify();
  setup.server.notify("t1");
  const handled: number[] = [];
  setup.open().listen(({ seq }) => void handled.push(seq));
  await setup.clock.advance(1000);
  setup.server.notify("t2");
  await setup.clock.advance(1000);
  expect(handled).toEqual([1, 2, 3]);
  expect(setup.server.inbox.pending.size).toBe(0);
});

test("a message is for those who listen for its thread, and for all if nobody does", async () => {
  const setup = new Setup();
  const client = setup.open();
  const handled: string[] = [];
  client.listen(({ seq }) => void handled.push(`t1:${seq}`), "t1");
  client.listen(({ seq }) => void handled.push(`t2:${seq}`), "t2");
  await setup.clock.advance(1000);
  for (const thread of ["t1", "t2", "t3"]) setup.server.notify(thread);
  await setup.clock.advance(1000);
  expect(handled).toEqual(["t1:1", "t2:2", "t1:3", "t2:3"]);
});

test("a message whose handler fails comes again", async () => {
  const setup = new Setup();
  let calls = 0;
  setup.open().listen(() => {
    if (++calls < 3) throw new Error("not now");
  });
  await setup.clock.advance(1000);
  setup.server.notify();
  await setup.clock.advance(60_000);
  expect(calls).toBe(3);
  expect(setup.server.inbox.pending.size).toBe(0);
});

test("a gap is filled before what came after it", async () => {
  const setup = new Setup();
  const handled: number[] = [];
  setup.open().listen(({ seq }) => void handled.push(seq));
  await setup.clock.advance(1000);
  setup.server.notify();
  await setup.clock.advance(1000);
  Object.assign(setup.server, { rage: 1, only: ["drop"] });
  setup.server.notify();
  setup.server.rage = 0;
  setup.server.notify();
  await setup.clock.advance(1000);
  expect(handled).toEqual([1, 2, 3]);
});

test("who has stopped listening hears nothing more", async () => {
  const setup = new Setup();
  const handled: number[] = [];
  const stop = setup.open().listen(({ seq }) => void handled.push(seq));
  await setup.clock.advance(1000);
  stop();
  setup.server.notify();
  await setup.clock.advance(1000);
  expect(handled).toEqual([]);
  expect(setup.server.inbox.pending.size).toBe(1); // for the next page
});

test("a notification goes to the server, repeatable by its id", async () => {
  const setup = new Setup();
  const client = setup.open();
  const answer = await setup.wait(client.notify({ user: "u", message_id: "once" }, { text: "hello" }));
  expect(answer).toMatchObject({ message_id: "once", delivery: "inbox", connections: 0 });
});
