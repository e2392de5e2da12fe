/** Redriving dead letters: some of several workspaces, or all of them, a hundred at a time. */

import type { AdminApi, Redriven } from "./api.ts";
import { type BatchKey, byWorkspace, keyOf } from "./model.ts";

export interface Done {
  redriven: number;
  /** They were no dead letters, or none any more. */
  skipped: number;
}

type Redrives = Pick<AdminApi, "redrive">;

/** What one request takes. */
const MOST = 100;
/** The server's list may still show what was just redriven: it gets so many tries, and so long (ms), to catch up. */
const TRIES = 4;
const CATCH_UP_MS = 500;

/** Redrive those that are named. Rejects with the first request that fails; what was done before stays done. */
export async function redriveSome(api: Redrives, keys: readonly BatchKey[]): Promise<Done> {
  const answers: Redriven[] = [];
  for (const [workspace, jobs] of byWorkspace(keys)) {
    for (let start = 0; start < jobs.length; start += MOST)
      answers.push(await api.redrive(workspace, { jobs: jobs.slice(start, start + MOST) }));
  }
  return done(answers);
}

/**
 * Redrive all of a workspace, or of all workspaces, that had failed when it began: `failed_before` of the first answer
 * keeps those out that fail again meanwhile.
 */
export async function redriveAll(api: Redrives, workspace: string | undefined): Promise<Done> {
  const answers = [await api.redrive(workspace, { all: true })];
  for (let last = answers[0], tries = 0; last?.more && tries < TRIES; answers.push(last)) {
    tries = last.redriven.length ? 0 : tries + 1;
    if (tries) await new Promise((resolve) => setTimeout(resolve, CATCH_UP_MS));
    last = await api.redrive(workspace, { all: true, failed_before: last.failed_before });
  }
  return done(answers);
}

/** "3 jobs are tried again; 1 was no dead letter any more". */
export function redriveWords({ redriven, skipped }: Done): string {
  if (!redriven && !skipped) return "There is no dead letter";
  const jobs = redriven === 1 ? "1 job is" : `${redriven || "No"} jobs are`;
  const left = skipped === 1 ? "1 was no dead letter any more" : `${skipped} were no dead letters any more`;
  return `${jobs} tried again${skipped ? `; ${left}` : ""}`;
}

function done(answers: readonly Redriven[]): Done {
  const redriven = new Set(answers.flatMap((answer) => answer.redriven.map(keyOf)));
  const skipped = new Set(answers.flatMap((answer) => answer.skipped.map(keyOf)).filter((key) => !redriven.has(key)));
  return { redriven: redriven.size, skipped: skipped.size };
}
