import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Admin } from "../admin.ts";
import { type Batch, keyOf } from "../model.ts";
import { redriveAll, redriveSome, redriveWords } from "../redrive.ts";
import { useLoaded } from "../use-loaded.ts";
import { usePages } from "../use-pages.ts";
import { briefMoment, countOf, redriveQuestion } from "../words.ts";
import { BatchLink } from "./batch-link.tsx";
import { DeedButtons } from "./deeds.tsx";
import { Forensics, JobError } from "./forensics.tsx";
import { Nothing, Pager, Shown } from "./states.tsx";

/** Jobs that failed for good, with all that is known of why; to be tried again one by one, some, or all. */
export function DeadLetters({ admin }: { admin: Admin }): JSX.Element {
  const { api, beat, workspace, ask, isBusy } = admin;
  const key = `dead|${workspace}`;
  const pages = usePages(key);
  const { cursor } = pages;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const loaded = useLoaded(`${key}|${cursor}`, (signal) => api.deadLetters({ workspace, cursor }, signal), beat);
  const shown = loaded.data?.items ?? [];
  // Only what is on screen counts: what was chosen and has gone meanwhile, or stands on another page, does not.
  const some = shown.filter((letter) => chosen.has(keyOf(letter)));
  const choose = (letters: readonly Batch[], isChosen: boolean) => {
    const keys = letters.map(keyOf);
    setChosen(
      (before) => new Set(isChosen ? [...before, ...keys] : [...before].filter((each) => !keys.includes(each))),
    );
  };
  const redriveThese = () =>
    ask(redriveQuestion(some.length, workspace), async () => redriveWords(await redriveSome(api, some)));
  const redriveEvery = () =>
    ask(redriveQuestion("all", workspace), async () => redriveWords(await redriveAll(api, workspace)));
  return (
    <section class="card list-card" aria-labelledby="dead-title" data-testid="dead-letters">
      <header class="head">
        <h2 id="dead-title" class="head-title">
          Dead letters
        </h2>
        <span class="fact-deeds">
          <button
            type="button"
            class="button"
            disabled={isBusy || some.length === 0}
            onClick={redriveThese}
            data-testid="redrive-some"
          >
            Redrive {some.length || "chosen"}
          </button>
          <button
            type="button"
            class="button"
            disabled={isBusy || shown.length === 0}
            onClick={redriveEvery}
            data-testid="redrive-all"
          >
            Redrive all
          </button>
        </span>
      </header>
      <Shown loaded={loaded} admin={admin} section="jobs">
        {({ items, next }) => (
          <>
            {items.length === 0 && <Nothing>No dead letter. A job that fails five times comes here.</Nothing>}
            {items.length > 1 && (
              <label class="switch choose-all">
                <input
                  type="checkbox"
                  checked={some.length === items.length}
                  onChange={(event) => choose(items, event.currentTarget.checked)}
                />
                Choose these {countOf(items.length, "job")}
              </label>
            )}
            <ul class="letters">
              {items.map((letter) => (
                <Letter
                  key={keyOf(letter)}
                  letter={letter}
                  admin={admin}
                  isChosen={chosen.has(keyOf(letter))}
                  choose={(isChosen) => choose([letter], isChosen)}
                />
              ))}
            </ul>
            <Pager pages={pages} next={next} of="dead letters" />
          </>
        )}
      </Shown>
    </section>
  );
}

interface LetterProps {
  letter: Batch;
  admin: Admin;
  isChosen: boolean;
  choose: (isChosen: boolean) => void;
}

function Letter({ letter, admin, isChosen, choose }: LetterProps): JSX.Element {
  const { job, batch_id, events } = letter;
  return (
    <li class="letter" data-testid="letter" data-batch={batch_id}>
      <input
        type="checkbox"
        checked={isChosen}
        aria-label={`Choose ${batch_id}`}
        onChange={(event) => choose(event.currentTarget.checked)}
      />
      <div class="letter-body">
        <p class="letter-head">
          <BatchLink batch={letter} admin={admin} />
        </p>
        <JobError error={job?.error ?? {}} />
        <p class="letter-facts muted">
          {[
            countOf(events, "event"),
            countOf(job?.attempts ?? 0, "attempt"),
            job?.redrives ? countOf(job.redrives, "redrive") : "",
            job?.finished_at && `failed ${briefMoment(job.finished_at)}`,
          ]
            .filter(Boolean)
            .join(" · ")}
        </p>
        {job && (job.input || job.trace) && (
          <details>
            <summary>Input and trace</summary>
            <Forensics job={job} />
          </details>
        )}
      </div>
      <DeedButtons batch={letter} admin={admin} class="small" />
    </li>
  );
}
