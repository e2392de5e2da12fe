// What a viewer holds of a view, and the pure functions that move it: docs/protocol.md, "How a client stays exact".
// A state is {epoch, seq, sections: {name: data}, checksums: {name: sha256, full}, generatedAt} and never changes in place.

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** An object without a prototype: keys come from events, and "__proto__" must be a key like any other. */
const plain = (source = {}) => Object.assign(Object.create(null), source);

/** RFC 7396 merge patch; shares what it does not change. */
export function mergePatch(target, patch) {
  if (!isObject(patch)) return patch;
  const merged = plain(isObject(target) ? target : {});
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

const partsOf = (answers, name) =>
  answers.filter((answer) => answer.type === "section" && answer.section === name).sort((a, b) => a.part - b.part);

/** Whether the answers to a bootstrap hold the snapshot and every part of every section that it lists. */
export function isComplete(answers) {
  const snapshot = answers.find((answer) => answer.type === "snapshot");
  return Boolean(snapshot?.sections.every((name) => {
    const parts = partsOf(answers, name);
    return parts.length > 0 && parts.length === parts[0].parts;
  }));
}

/** The state after a bootstrap: the sections that came, and of those held before the ones that are still named. */
export function applySnapshot(held, answers) {
  const snapshot = answers.find((answer) => answer.type === "snapshot");
  const sections = plain();
  for (const name of Object.keys(snapshot.checksums)) {
    if (held && name in held.sections) sections[name] = held.sections[name];
  }
  for (const name of snapshot.sections) {
    const parts = partsOf(answers, name);
    sections[name] = parts.length === 1 ? parts[0].data : JSON.parse(parts.map((part) => part.data).join(""));
  }
  const { epoch, seq } = snapshot.position;
  return { epoch, seq, sections, checksums: plain(snapshot.checksums), generatedAt: snapshot.generated_at };
}

/** The state after a delta; the same state if it is known already; null if something was missed. */
export function applyDelta(state, delta) {
  if (delta.epoch !== state.epoch) return null;
  if (delta.seq <= state.seq) return state;
  if (delta.base !== state.seq) return null;
  const checksums = plain({ ...state.checksums, ...delta.checksums });
  for (const [name, value] of Object.entries(delta.patch)) if (value === null) delete checksums[name];
  const sections = mergePatch(state.sections, delta.patch);
  return { ...state, seq: delta.seq, sections, checksums, generatedAt: delta.generated_at };
}
