import { describe, expect, it } from "vitest";
import { type Address, forgetAccess, hasToken, read, takeAccess } from "../src/access.ts";
import { storeOf } from "../src/store.ts";
import { memoryStorage } from "./memory-storage.ts";

function token(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256" })}.${part(claims)}.c2ln`;
}

function address(hash: string): Address & { shown: string[] } {
  const shown: string[] = [];
  return {
    shown,
    location: { hash, pathname: "/dashboard", search: "?days=7" },
    history: { replaceState: (_state, _unused, url) => void shown.push(String(url)) },
  };
}

const DEMO = token({ ws: "demo", exp: 1_800_000_000 });
const kept = () => {
  const storage = memoryStorage();
  return storeOf(() => storage);
};

describe("access", () => {
  it("comes from the fragment, which the address bar loses and the tab keeps", () => {
    const [place, store] = [address(`#token=${DEMO}&ws=wss://x/live&workspace=demo`), kept()];
    const access = { token: DEMO, workspace: "demo", expiresAt: 1_800_000_000_000 };
    expect(takeAccess(place, store)).toEqual(access);
    expect(place.shown).toEqual(["/dashboard?days=7"]);
    expect(takeAccess(address(""), store)).toEqual(access);
    forgetAccess(store);
    expect(takeAccess(address(""), store)).toBeUndefined();
  });

  it("of a link replaces what the tab kept; a broken link changes nothing, and its token leaves the address bar too", () => {
    const store = kept();
    takeAccess(address(`#token=${DEMO}`), store);
    const broken = address("#token=broken");
    expect(takeAccess(broken, store)?.workspace).toBe("demo");
    expect(broken.shown).toEqual(["/dashboard?days=7"]);
    expect(takeAccess(address(`#token=${token({ ws: "other" })}`), store)).toMatchObject({ workspace: "other" });
  });

  it("reads names of every script, and tokens with space around them", () => {
    expect(read(` ${token({ ws: "café-日本" })}\n`)).toMatchObject({ workspace: "café-日本" });
  });

  it.each([
    ["", /Paste/],
    ["   ", /Paste/],
    ["tmk_0123", /write key/],
    ["a.b.c", /not a token/],
    ["abc", /not a token/],
    [token({ role: "read" }), /not a token/],
    [token({ ws: 5 }), /not a token/],
    [token([]), /not a token/],
  ])("is not given by %j", (pasted, why) => {
    expect(read(pasted)).toMatch(why);
  });

  it("is in an address that names a token, and only there", () => {
    expect([`#token=${DEMO}`, "#token=", "#board", ""].map((hash) => hasToken({ hash }))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
