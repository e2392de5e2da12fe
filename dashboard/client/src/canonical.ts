/**
 * RFC 8785 canonical JSON of a value that JSON.parse could have made.
 *
 * ECMAScript's own number and string forms are those that the RFC prescribes; keys are ordered by UTF-16 units, which is
 * what `sort` does.
 */
export function canonicalize(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalize)}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const record = value as Record<string, unknown>;
  return `{${Object.keys(record)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalize(record[key])}`)}}`;
}
