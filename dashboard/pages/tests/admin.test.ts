import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AdminApi, toldInsight } from "../src/admin/api.ts";
import { Beat } from "../src/admin/beat.ts";
import { adminState, afterAnswer, type Contact, contactAge } from "../src/admin/contact.ts";
import { liveOf } from "../src/admin/live.ts";
import {
  analysed,
  type Batch,
  byWorkspace,
  deedsFor,
  isDead,
  type Job,
  said,
  saidOfBreaker,
  troubled,
} from "../src/admin/model.ts";
import { adminPlaceOf, adminSearchOf } from "../src/admin/place.ts";
import { redriveAll, redriveSome, redriveWords } from "../src/admin/redrive.ts";
import { alarmWords, breakerWords, outcomeOf, questionOf, redriveQuestion } from "../src/admin/words.ts";
import { ApiError } from "../src/api.ts";
import { WEB } from "./examples.ts";

const ID = "2026-11-22T10:00Z.00.000003";
const job = (state: Job["state"], code?: string): Job => ({
  state,
  attempts: 1,
  redrives: 0,
  ...(code !== undefined && { error: { code } }),
});
const batch = (state: Batch["state"], of?: Job): Batch => ({
  workspace_id: "demo",
  batch_id: ID,
  state,
  events: 100,
  opened_at: "2026-11-22T10:00:00.000Z",
  ...(of && { job: of }),
});

describe("the place in the address", () => {
  it("is what a link to it says", () => {
    const place = { section: "batches", workspace: "demo", state: undefined, batch: ID } as const;
    expect(adminPlaceOf(adminSearchOf(place))).toEqual(place);
    expect(adminSearchOf({ section: "jobs", workspace: undefined, state: "FAILED" })).toBe(
      "?section=jobs&state=FAILED",
    );
  });

  it.each(["", "?section=nothing", "?section=overview&state=OPEN", "?section=overview&workspace=../x", "?batch=x"])(
    "of %j is the overview, of nothing in particular",
    (search) => {
      expect(adminPlaceOf(search)).toEqual({
        section: "overview",
        workspace: undefined,
        state: undefined,
        batch: undefined,
      });
    },
  );

  it("takes the states of its own list alone", () => {
    expect(adminPlaceOf("?section=jobs&state=OPEN").state).toBeUndefined();
    expect(adminPlaceOf("?section=batches&state=OPEN").state).toBe("OPEN");
    expect(adminPlaceOf("?section=batches&batch=<b>").batch).toBeUndefined();
  });
});

describe("what may be done", () => {
  it.each<[string, Batch, readonly string[]]>([
    ["an open batch", batch("OPEN"), ["seal"]],
    ["a job that waits", batch("SEALED", job("PENDING", "provider_unavailable")), ["cancel"]],
    ["a job that runs", batch("SEALED", job("RUNNING")), ["cancel"]],
    ["a job that failed for good", batch("SEALED", job("FAILED", "provider_unavailable")), ["redrive"]],
    ["a job that was cancelled", batch("SEALED", job("FAILED", "cancelled")), ["analyse"]],
    ["a batch that is analysed", batch("ANALYZED", job("SUCCESS")), ["analyse"]],
    ["a batch that this page does not understand", batch("SEALED"), []],
  ])("with %s", (_, of, deeds) => {
    expect(deedsFor(of)).toEqual(deeds);
  });

  it("is asked by name, and told by what came of it", () => {
    expect(questionOf("seal", batch("OPEN"))).toMatchObject({ title: "Seal this batch?", verb: "Seal" });
    expect(questionOf("seal", batch("OPEN")).text).toContain(`${ID} of demo, 100 events.`);
    expect(outcomeOf("cancel", ID, true)).toBe(`${ID} is cancelled`);
    expect(outcomeOf("cancel", ID, false)).toBe(`${ID} had ended already`);
    expect(redriveQuestion("all", undefined).title).toBe("Redrive all dead letters of all workspaces?");
    expect(redriveQuestion("all", "demo").title).toBe("Redrive all dead letters of demo?");
    expect(redriveQuestion(1, undefined).title).toBe("Redrive 1 dead letter?");
  });

  it("of a failed job depends on whether it was cancelled", () => {
    expect(isDead(batch("SEALED", job("FAILED", "cancelled")))).toBe(false);
    expect(isDead(batch("SEALED", job("FAILED")))).toBe(true);
    expect(isDead(batch("OPEN"))).toBe(false);
  });
});

describe("workspaces", () => {
  it("of the system itself are not analysed", () => {
    expect(analysed(["demo", "operations", "tidemark-canary"])).toEqual(["demo"]);
  });
});

describe("states in words", () => {
  it("know an open batch from an open breaker", () => {
    expect(said("OPEN")).toEqual(["Open", "neutral"]);
    expect(saidOfBreaker("OPEN")).toEqual(["Open", "bad"]);
    expect(said("PAUSED")).toEqual(["PAUSED", "neutral"]);
  });

  it("name the breakers that do not let everything through, the worst first", () => {
    const breakers = (["CLOSED", "HALF_OPEN", "OPEN"] as const).map((state) => ({
      provider: state,
      state,
      failures: 5,
    }));
    expect(troubled(breakers).map(({ state }) => state)).toEqual(["OPEN", "HALF_OPEN"]);
    expect(breakerWords({ provider: "p", state: "CLOSED", failures: 2 })).toBe("2 failures in a row");
    const [since, until] = ["2026-11-22T10:00:00.000Z", "2026-11-22T10:10:00.000Z"];
    expect(breakerWords({ provider: "p", state: "OPEN", failures: 5, since, until })).toMatch(
      /^since .* one job tries at/,
    );
    expect(breakerWords({ provider: "p", state: "HALF_OPEN", failures: 5, since, until })).toContain("tries now");
  });

  it("give an alarm its value and threshold in its unit, and no value that is not known", () => {
    const alarm = { name: "oldest_pending", state: "alarm", threshold: 3600, unit: "seconds" } as const;
    expect(alarmWords({ ...alarm, value: 3725 })).toEqual({
      title: "Oldest pending for",
      value: "1 h 2 min",
      threshold: "alarm above 1 h 0 min",
    });
    expect(alarmWords(alarm).value).toBe("–");
    expect(alarmWords({ ...alarm, name: "some_new_one", unit: "count", value: 1 }).title).toBe("some new one");
  });
});

describe("the contact with the server", () => {
  const fresh: Contact = { at: undefined, problem: undefined };
  const known: Contact = { at: 1000, problem: undefined };
  const problem = (code: string) => ({ code, message: "" });
  const seen = (contact: Contact, more = {}) =>
    adminState({ contact, connection: { status: "open", attempt: 0 }, isOnline: true, now: 2000, ...more });

  it("is an answer, also one that says no; but none where the server, or the token, does not do", () => {
    expect(afterAnswer(known, undefined, 5)).toEqual({ at: 5, problem: undefined });
    expect(afterAnswer(known, problem("unknown_batch"), 5)).toEqual({ at: 5, problem: undefined });
    for (const code of ["timeout", "unreachable", "unavailable", "throttled", "internal", "forbidden", "token_expired"])
      expect(afterAnswer(known, problem(code), 5)).toEqual({ at: 1000, problem: problem(code) });
  });

  it("is said in a word", () => {
    expect(seen(fresh)).toMatchObject({ state: "loading" });
    expect(seen({ ...fresh, problem: problem("unavailable") })).toMatchObject({ state: "error" });
    expect(seen(known)).toMatchObject({ state: "live", label: "Live" });
    expect(seen(known, { connection: undefined })).toMatchObject({ state: "live", label: "Every 5 s" });
    expect(seen(known, { now: 100_000 })).toMatchObject({ state: "stale" });
    expect(seen({ ...known, problem: problem("unavailable") })).toMatchObject({ state: "stale" });
    expect(seen(known, { isOnline: false })).toMatchObject({ state: "offline" });
    expect(seen({ ...known, problem: problem("forbidden") }, { isOnline: false })).toMatchObject({ state: "error" });
    expect(contactAge(known, 13_000)).toBe("as of 12 s ago");
    expect(contactAge(fresh, 13_000)).toBe("");
  });
});

describe("redriving", () => {
  const key = (batch_id: string, workspace_id = "demo") => ({ workspace_id, batch_id });
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("some asks once for each workspace and hundred", async () => {
    const asked: [string | undefined, number][] = [];
    const redrive = async (workspace: string | undefined, body: object) => {
      const { jobs } = body as { jobs: string[] };
      asked.push([workspace, jobs.length]);
      return { redriven: jobs.slice(1).map((id) => key(id, workspace)), skipped: [], more: false };
    };
    const many = Array.from({ length: 101 }, (_, index) => key(String(index)));
    expect(byWorkspace([...many, key("x", "shop")]).get("shop")).toEqual(["x"]);
    expect(await redriveSome({ redrive }, [...many, key("x", "shop")])).toEqual({ redriven: 99, skipped: 0 });
    expect(asked).toEqual([
      ["demo", 100],
      ["demo", 1],
      ["shop", 1],
    ]);
  });

  it("all goes on with the time of the first answer, and counts none twice", async () => {
    const bodies: object[] = [];
    const answers = [
      { redriven: [key("a"), key("b")], skipped: [], more: true, failed_before: "t" },
      { redriven: [], skipped: [{ ...key("a"), code: "wrong_state" }], more: true, failed_before: "t" },
      { redriven: [key("c")], skipped: [{ ...key("d"), code: "wrong_state" }], more: false, failed_before: "t" },
    ];
    const redrive = async (_: string | undefined, body: object) => {
      bodies.push(body);
      return answers[bodies.length - 1] ?? { redriven: [], skipped: [], more: false };
    };
    const done = redriveAll({ redrive }, undefined);
    await vi.runAllTimersAsync();
    expect(await done).toEqual({ redriven: 3, skipped: 1 });
    const next = { all: true, failed_before: "t" };
    expect(bodies).toEqual([{ all: true }, next, next]);
  });

  it("all ends where the server gets nowhere", async () => {
    let count = 0;
    const redrive = async () => {
      count += 1;
      return { redriven: [], skipped: [], more: true, failed_before: "t" };
    };
    const done = redriveAll({ redrive }, "demo");
    await vi.runAllTimersAsync();
    expect(await done).toEqual({ redriven: 0, skipped: 0 });
    expect(count).toBeLessThan(10);
  });

  it("says what came of it", () => {
    expect(redriveWords({ redriven: 0, skipped: 0 })).toBe("There is no dead letter");
    expect(redriveWords({ redriven: 1, skipped: 0 })).toBe("1 job is tried again");
    expect(redriveWords({ redriven: 2, skipped: 1 })).toBe("2 jobs are tried again; 1 was no dead letter any more");
    expect(redriveWords({ redriven: 0, skipped: 2 })).toContain("No jobs are tried again; 2 were");
  });
});

describe("the API", () => {
  const signal = new AbortController().signal;
  const heard: (string | undefined)[] = [];
  const api = new AdminApi("http://h", "t.o.k", (problem) => heard.push(problem?.code));
  const answers: Response[] = [];
  let asked: [string, RequestInit][] = [];
  beforeEach(() => {
    asked = [];
    heard.length = 0;
    answers.length = 0;
    vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
      asked.push([address, init]);
      return answers.shift() ?? Response.json({});
    });
  });
  afterEach(() => void vi.unstubAllGlobals());

  it("passes over empty pages, with the same filter", async () => {
    answers.push(Response.json({ batches: [], next_cursor: "c1" }));
    answers.push(Response.json({ batches: [batch("OPEN")], next_cursor: "c2" }));
    const page = await api.batches({ workspace: "demo", state: "OPEN" }, signal);
    expect(page).toEqual({ items: [batch("OPEN")], next: "c2" });
    expect(asked.map(([address]) => address)).toEqual([
      "http://h/v1/admin/batches?limit=25&workspace=demo&state=OPEN",
      "http://h/v1/admin/batches?limit=25&workspace=demo&state=OPEN&cursor=c1",
    ]);
    expect(asked[0]?.[1]).toMatchObject({ signal, headers: { Authorization: "Bearer t.o.k" } });
    expect(heard).toEqual([undefined, undefined]);
  });

  it("does not go on through empty pages for ever", async () => {
    answers.push(...Array.from({ length: 50 }, () => Response.json({ jobs: [], next_cursor: "c" })));
    expect(await api.jobs({}, signal)).toEqual({ items: [], next: "c" });
    expect(asked.length).toBeLessThan(10);
  });

  it("names what it acts on, and its workspace", async () => {
    answers.push(Response.json({ changed: false }));
    expect(await api.act("cancel", { workspace_id: "demo", batch_id: ID })).toBe(false);
    expect(asked[0]?.[0]).toBe(`http://h/v1/admin/jobs/${encodeURIComponent(ID)}/cancel?workspace=demo`);
    expect(asked[0]?.[1]).toMatchObject({ method: "POST", body: "{}" });
    expect(heard).toEqual([]); // an action says itself what came of it
  });

  it("tells what the server said, to who asked and to the page", async () => {
    answers.push(Response.json({ code: "forbidden", message: "no", request_id: "r" }, { status: 403 }));
    await expect(api.metrics(undefined, signal)).rejects.toThrow(ApiError);
    expect(heard).toEqual(["forbidden"]);
  });

  it("has insights by the id of their batch and the time of their last event", async () => {
    const raw = { summary: "More.", events: 7, last_event_at: "2026-11-22T10:20:00.000Z" };
    answers.push(Response.json({ insights: [{ insight_id: ID, ...raw }] }));
    const { items } = await api.insights({}, signal);
    expect(items[0]).toMatchObject({ id: ID, at: Date.parse(raw.last_event_at), events: 7, summary: "More." });
    expect(toldInsight({ ...raw, batch_id: ID, last_event_at: "soon" })).toMatchObject({ id: ID, at: 0 });
  });
});

describe("what is live", () => {
  it("is the dashboard of operations for the operator, for others one that shows insights", () => {
    const dashboards = [WEB, { ...WEB, name: "operations" }, { ...WEB, name: "shop", insights: 5 }];
    expect(liveOf(dashboards, true)?.name).toBe("operations");
    expect(liveOf(dashboards, false)?.name).toBe("shop");
    expect(liveOf([WEB], false)).toBeUndefined();
  });

  it("strikes whoever listens at that time", () => {
    const beat = new Beat();
    const heard: string[] = [];
    const end = beat.subscribe(() => {
      heard.push("one");
      end();
    });
    beat.subscribe(() => heard.push("two"));
    beat.strike();
    beat.strike();
    expect(heard).toEqual(["one", "two", "two"]);
  });
});
