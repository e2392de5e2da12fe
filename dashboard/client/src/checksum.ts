import { canonicalize } from "./canonical.ts";
import { TidemarkError } from "./errors.ts";
import type { Checksums, Sections } from "./wire.ts";

/** The part of WebCrypto that is needed. */
export type Subtle = Pick<SubtleCrypto, "digest"> | null | undefined;

/**
 * The SHA-256, in lower-case hex, of the canonical JSON of a value.
 *
 * @throws TidemarkError `crypto_unavailable` where the browser has no WebCrypto: on a page that is neither HTTPS nor local.
 */
export async function checksum(value: unknown, subtle: Subtle = globalThis.crypto?.subtle): Promise<string> {
  if (!subtle) throw new TidemarkError("crypto_unavailable", "Checksums need a secure page: HTTPS, or localhost");
  const digest = await subtle.digest("SHA-256", new TextEncoder().encode(canonicalize(value)));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The checksum of every section, and `full`; those in `known` need not be computed again. */
export async function checksumsOf(sections: Sections, known: Checksums, subtle?: Subtle): Promise<Checksums> {
  const sums: Record<string, string> = Object.create(null);
  for (const name of Object.keys(sections)) sums[name] = known[name] ?? (await checksum(sections[name], subtle));
  return { ...sums, full: await checksum(sums, subtle) };
}
