import { TidemarkError } from "./errors.ts";
import { plain } from "./merge.ts";
import type { Head, Incoming, Sections } from "./wire.ts";

/** Far above what the protocol needs (128 KB a message), so that a broken server cannot fill the memory. */
const MAX_PARTS = 1024;
const MAX_CHARACTERS = 1 << 25;

/** A head with every section that it announced. */
export interface Assembled {
  head: Head;
  sections: Sections;
}

/**
 * Collect a head and the sections that it announces, in any order, parts joined; feed it message by message until it
 * returns the whole.
 *
 * @throws TidemarkError `malformed` when parts contradict each other or are out of bounds.
 */
export function assemble(): (message: Incoming) => Assembled | undefined {
  let head: Head | undefined;
  let characters = 0;
  const sections: Record<string, unknown> = plain();
  const partial = new Map<string, string[]>();
  return (message) => {
    if (/^(snapshot|reconciled)$/.test(message.type)) head = message as Head;
    else if (message.type === "section") {
      const { section, part, parts, data } = message;
      const texts = partial.get(section) ?? new Array<string>(parts >= 1 && parts <= MAX_PARTS ? parts : 1);
      partial.set(section, texts);
      characters += data?.length ?? 0;
      if (texts.length !== parts || !(part >= 0 && part < parts) || characters > MAX_CHARACTERS)
        throw new TidemarkError("malformed", `Part ${part} of ${parts} of section ${section} is out of bounds`);
      texts[part] = data;
      if (parts === 1) sections[section] = data;
      else if (Object.keys(texts).length === parts) sections[section] = JSON.parse(texts.join(""));
    }
    if (!head?.sections.every((name) => name in sections)) return undefined;
    return { head, sections: plain(...head.sections.map((name) => ({ [name]: sections[name] }))) };
  };
}
