const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** A copy without a prototype: keys come from events, and "__proto__" must be a key like any other. */
export const plain = <T>(...sources: Readonly<Record<string, T>>[]): Record<string, T> =>
  Object.assign(Object.create(null), ...sources);

/** RFC 7396 merge patch. Nothing is changed in place; what the patch does not touch is shared. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = plain(isObject(target) ? target : {});
  for (const name of Object.keys(patch)) {
    if (patch[name] === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], patch[name]);
  }
  return merged;
}
