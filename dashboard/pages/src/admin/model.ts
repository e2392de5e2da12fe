/** What the administration tells of batches, jobs, breakers and alarms, and what may be done with each. Pure. */

export type BatchState = "OPEN" | "SEALED" | "ANALYZED";
export type JobState = "PENDING" | "RUNNING" | "SUCCESS" | "FAILED";
export type BreakerState = "CLOSED" | "OPEN" | "HALF_OPEN";
export type AlarmState = "ok" | "alarm" | "unknown";

export interface Failure {
  code?: string;
  message?: string;
}

/** The analysis of a batch. Times are ISO 8601; a field that does not apply is missing. */
export interface Job {
  state: JobState;
  attempts: number;
  redrives: number;
  due_at?: string;
  lease_until?: string;
  started_at?: string;
  finished_at?: string;
  provider?: string;
  error?: Failure;
  /** What a dead letter was given, and where its failure is in the log. */
  input?: Readonly<Record<string, unknown>>;
  trace?: Readonly<Record<string, unknown>>;
}

export interface Batch {
  workspace_id: string;
  batch_id: string;
  state: BatchState;
  events: number;
  opened_at: string;
  sealed_at?: string;
  sealed_by?: string;
  job?: Job;
  insight?: unknown;
}

/** Which batch of which workspace. */
export type BatchKey = Pick<Batch, "workspace_id" | "batch_id">;

export interface BatchEvent {
  event_id: string;
  type: string;
  timestamp: string;
  user_id?: string;
  anonymous_id?: string;
  properties?: Readonly<Record<string, unknown>>;
}

export interface Breaker {
  provider: string;
  state: BreakerState;
  failures: number;
  since?: string;
  until?: string;
}

export interface Alarm {
  name: string;
  state: AlarmState;
  /** Missing where it could not be told. */
  value?: number;
  threshold: number;
  unit: string;
}

export interface Metrics {
  checked_at: string;
  batches: { open: number; sealed: number };
  jobs: { pending: number; running: number; oldest_pending_seconds: number };
  dead_letters: number;
  /** False if there is more than was counted. */
  is_all: boolean;
  breakers: readonly Breaker[];
  alarms: readonly Alarm[];
}

/** The reserved workspace; an admin token of it is the operator's. */
export const OPERATIONS = "operations";
/** The workspaces of the system itself: nothing of theirs is analysed. */
const NEVER_ANALYSED: readonly string[] = [OPERATIONS, "tidemark-canary"];
export const BATCH_STATES: readonly BatchState[] = ["OPEN", "SEALED", "ANALYZED"];
export const JOB_STATES: readonly JobState[] = ["PENDING", "RUNNING", "SUCCESS", "FAILED"];

export type Tone = "good" | "bad" | "warn" | "busy" | "neutral";

const SAID: Readonly<Record<BatchState | JobState | AlarmState, readonly [string, Tone]>> = {
  OPEN: ["Open", "neutral"],
  SEALED: ["Sealed", "busy"],
  ANALYZED: ["Analysed", "good"],
  PENDING: ["Pending", "neutral"],
  RUNNING: ["Running", "busy"],
  SUCCESS: ["Succeeded", "good"],
  FAILED: ["Failed", "bad"],
  ok: ["OK", "good"],
  alarm: ["Alarm", "bad"],
  unknown: ["Unknown", "warn"],
};
const BREAKER: Readonly<Record<BreakerState, readonly [string, Tone]>> = {
  CLOSED: ["Closed", "good"],
  OPEN: ["Open", "bad"],
  HALF_OPEN: ["Half open", "warn"],
};

/** A state in words, and how bad it is; one that this page does not know is shown as it came. */
export function said(state: string): readonly [string, Tone] {
  return SAID[state as keyof typeof SAID] ?? [state, "neutral"];
}

/** Of a breaker "open" is the bad state, not the first one. */
export function saidOfBreaker(state: string): readonly [string, Tone] {
  return BREAKER[state as BreakerState] ?? [state, "neutral"];
}

export type Deed = "seal" | "analyse" | "cancel" | "redrive";

/** What may be done with a batch as it is. A job that was cancelled is analysed again; it is no dead letter. */
export function deedsFor({ state, job }: Pick<Batch, "state" | "job">): readonly Deed[] {
  if (state === "OPEN") return ["seal"];
  switch (job?.state) {
    case "PENDING":
    case "RUNNING":
      return ["cancel"];
    case "FAILED":
      return isDead({ job }) ? ["redrive"] : ["analyse"];
    case "SUCCESS":
      return ["analyse"];
    default:
      return [];
  }
}

/** Whether a job failed for good, rather than being cancelled. */
export function isDead({ job }: { job?: Pick<Job, "state" | "error"> | undefined }): boolean {
  return job?.state === "FAILED" && job.error?.code !== "cancelled";
}

/** The breakers that do not let everything through, the worst first. */
export function troubled(breakers: readonly Breaker[]): readonly Breaker[] {
  const rank = ({ state }: Breaker) => (state === "OPEN" ? 0 : 1);
  return breakers.filter(({ state }) => state !== "CLOSED").sort((one, other) => rank(one) - rank(other));
}

/** The batches by workspace, for requests that name one. */
export function byWorkspace(keys: readonly BatchKey[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { workspace_id, batch_id } of keys)
    found.set(workspace_id, [...(found.get(workspace_id) ?? []), batch_id]);
  return found;
}

export function keyOf({ workspace_id, batch_id }: BatchKey): string {
  return `${workspace_id}/${batch_id}`;
}

/** The workspaces of which there are batches and insights. */
export function analysed(workspaces: readonly string[]): readonly string[] {
  return workspaces.filter((name) => !NEVER_ANALYSED.includes(name));
}
