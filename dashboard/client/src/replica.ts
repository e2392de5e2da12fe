import { mergePatch, plain } from "./merge.ts";
import type { Checksums, Delta, Head, Position, Sections } from "./wire.ts";

/** What a client holds of a view; never changed in place. */
export interface Replica {
  readonly position: Position;
  readonly sections: Sections;
  /**
   * By section, and `full`. Right after `applySnapshot` and `applyDelta` only those of untouched sections: the others are
   * to be computed (`checksumsOf`), and the replica may be shown once `full` is the server's.
   */
  readonly checksums: Checksums;
  readonly generatedAt?: string | undefined;
}

/** The replica after a snapshot or reconciliation: the sections that came, and of those held the ones still named. */
export function applySnapshot(held: Replica | undefined, head: Head, came: Sections): Replica {
  const { full, ...named } = head.checksums;
  // A head that names `full` alone says that nothing differs; an empty view names nothing else either, and sends nothing.
  const kept = Object.keys(held?.sections ?? {}).filter(
    (name) => !(name in came) && (Object.hasOwn(named, name) || isBare(named)),
  );
  const pick = <T>(values: Readonly<Record<string, T>> = {}) =>
    plain(...kept.map((name) => ({ [name]: values[name] as T })));
  return {
    position: head.position,
    sections: plain(pick(held?.sections), came),
    checksums: pick(held?.checksums),
    generatedAt: head.generated_at,
  };
}

/** The checksums by section, as `have` says them. */
export function haveOf({ checksums: { full: _, ...sums } }: Replica): Checksums {
  return sums;
}

const isBare = (named: object): boolean => !Object.keys(named).length;

/** The replica after a delta, `known` if it holds that already, `gap` if something before it is missing. */
export function applyDelta(replica: Replica, delta: Delta): Replica | "known" | "gap" {
  const { epoch, seq } = replica.position;
  if (delta.epoch !== epoch) return "gap";
  if (delta.seq <= seq) return "known";
  if (delta.base > seq) return "gap";
  const checksums = plain(replica.checksums);
  for (const name of [...Object.keys(delta.patch), "full"]) delete checksums[name];
  return {
    position: { epoch, seq: delta.seq },
    sections: mergePatch(replica.sections, delta.patch) as Sections,
    checksums,
    generatedAt: delta.generated_at ?? replica.generatedAt,
  };
}
