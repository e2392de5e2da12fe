/** The sentences of the administration: alarms, breakers, questions before something is done, and what came of it. Pure. */

import { formatMoment } from "../dates.ts";
import type { Unit } from "../declared.ts";
import { format } from "../format.ts";
import type { Alarm, Batch, Breaker, Deed } from "./model.ts";

const ALARMS: Readonly<Record<string, string>> = {
  dead_letters: "Dead letters",
  breaker_open: "Breaker not closed for",
  jobs_pending: "Jobs pending",
  oldest_pending: "Oldest pending for",
  silent_workspaces: "Silent workspaces",
};

export interface AlarmWords {
  title: string;
  value: string;
  threshold: string;
}

export function alarmWords({ name, value, threshold, unit }: Alarm): AlarmWords {
  const measured = { unit: (unit === "seconds" ? "seconds" : "count") as Unit };
  const title = ALARMS[name] ?? name.replaceAll("_", " ");
  return { title, value: format(value, measured), threshold: `alarm above ${format(threshold, measured)}` };
}

/** "since Nov 22, 10:00:05 · one job tries at Nov 22, 10:10:05" on the viewer's own clock. */
export function breakerWords({ since, until, failures, state }: Breaker): string {
  if (state === "CLOSED")
    return failures === 0 ? "No failure" : failures === 1 ? "1 failure in a row" : `${failures} failures in a row`;
  const next = state === "HALF_OPEN" ? "one job tries now" : until ? `one job tries at ${briefMoment(until)}` : "";
  return [since && `since ${briefMoment(since)}`, next].filter(Boolean).join(" · ");
}

/** What is asked before something is done. */
export interface Question {
  title: string;
  text: string;
  /** On the button that does it. */
  verb: string;
}

const DEEDS: Readonly<Record<Deed, { verb: string; title: string; text: string; done: string; was: string }>> = {
  seal: {
    verb: "Seal",
    title: "Seal this batch?",
    text: "It takes no more events, and its analysis begins at once.",
    done: "is sealed; its analysis begins",
    was: "was sealed already",
  },
  analyse: {
    verb: "Analyse again",
    title: "Analyse this batch again?",
    text: "A new job is made for it. Its insight is replaced when that has succeeded.",
    done: "is analysed again",
    was: "was about to be analysed already",
  },
  cancel: {
    verb: "Cancel job",
    title: "Cancel this job?",
    text: "The batch stays without an insight until it is analysed again. A worker that is on it loses its result.",
    done: "is cancelled",
    was: "had ended already",
  },
  redrive: {
    verb: "Redrive",
    title: "Try this job again?",
    text: "It goes back to the queue, and has five attempts again.",
    done: "is tried again",
    was: "was no dead letter any more",
  },
};

export function verbOf(deed: Deed): string {
  return DEEDS[deed].verb;
}

export function questionOf(deed: Deed, { batch_id, workspace_id, events }: Batch): Question {
  const { title, text, verb } = DEEDS[deed];
  return { title, verb, text: `${batch_id} of ${workspace_id}, ${countOf(events, "event")}. ${text}` };
}

/** What came of a deed, which may have been done already. */
export function outcomeOf(deed: Deed, batch: string, isChanged: boolean): string {
  const { done, was } = DEEDS[deed];
  return `${batch} ${isChanged ? done : was}`;
}

export function redriveQuestion(count: number | "all", workspace: string | undefined): Question {
  const many = count === "all" ? "all dead letters" : countOf(count, "dead letter");
  const where = count !== "all" ? "" : workspace ? ` of ${workspace}` : " of all workspaces";
  return {
    title: `Redrive ${many}${where}?`,
    text: count === 1 ? DEEDS.redrive.text : "They go back to the queue, and have five attempts again.",
    verb: count === "all" ? "Redrive all" : "Redrive",
  };
}

export function breakerQuestion(deed: "trip" | "reset", provider: string): Question {
  return deed === "trip"
    ? {
        title: `Open the breaker of ${provider}?`,
        text: "No job of any workspace is given to it until the breaker lets one try again. Jobs wait, and lose no attempt.",
        verb: "Open breaker",
      }
    : {
        title: `Close the breaker of ${provider}?`,
        text: "All jobs that wait go to it again, whether it does or not. Five failures in a row open the breaker again.",
        verb: "Close breaker",
      };
}

/** "1 event", "2,000 events". */
export function countOf(count: number, noun: string): string {
  return `${format(count, { unit: "count" })} ${noun}${count === 1 ? "" : "s"}`;
}

/** Where the viewer's own clock is. */
export const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** "Nov 22, 2026, 10:00:05" on the viewer's own clock. */
export function moment(iso: string): string {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? iso : formatMoment(ms);
}

const brief = new Intl.DateTimeFormat("en", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** The same without its year, as a table has room for. */
export function briefMoment(iso: string): string {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? iso : brief.format(ms);
}
