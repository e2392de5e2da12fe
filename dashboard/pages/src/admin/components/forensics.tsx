import type { JSX } from "preact";
import { titleOf } from "../../declared.ts";
import type { Failure, Job } from "../model.ts";

/** What the last attempt failed with. */
export function JobError({ error: { code, message } }: { error: Failure }): JSX.Element {
  return (
    <p class="job-error">
      <code>{code ?? "unknown"}</code> {message}
    </p>
  );
}

/** What a job that failed was given, and where to look in the log. */
export function Forensics({ job: { input, trace } }: { job: Job }): JSX.Element | null {
  if (!input && !trace) return null;
  return (
    <div class="forensics" data-testid="forensics">
      {input && <Known title="Input" of={input} />}
      {trace && <Known title="Trace" of={trace} />}
    </div>
  );
}

function Known({ title, of }: { title: string; of: Readonly<Record<string, unknown>> }): JSX.Element {
  return (
    <>
      <h3>{title}</h3>
      <dl class="particulars">
        {Object.entries(of).map(([name, value]) => (
          <div key={name}>
            <dt>{titleOf(name)}</dt>
            <dd>
              <code>{typeof value === "string" ? value : JSON.stringify(value)}</code>
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
