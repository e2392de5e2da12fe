// RFC 8785 canonical JSON and its SHA-256: the same bytes, so the same checksum, as the server's.

/** Canonical JSON of a parsed JSON value. ECMAScript's own number and string forms are the ones RFC 8785 asks for. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort(); // by UTF-16 code units, as RFC 8785 sorts
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}

/** SHA-256 of the canonical JSON, as 64 lower-case hex digits. */
export async function checksum(value) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical(value)));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether the named sections of a state, and the whole, have the checksums that the state claims. */
export async function holds(state, names) {
  const { full, ...sections } = state.checksums;
  const proofs = names
    .filter((name) => name in state.sections || name in sections)
    .map(async (name) => name in state.sections && (await checksum(state.sections[name])) === sections[name]);
  return (await Promise.all([...proofs, checksum(sections).then((sum) => sum === full)])).every(Boolean);
}
