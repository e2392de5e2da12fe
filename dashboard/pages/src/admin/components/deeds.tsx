import type { JSX } from "preact";
import type { Admin } from "../admin.ts";
import { type Batch, type Deed, deedsFor } from "../model.ts";
import { redriveSome, redriveWords } from "../redrive.ts";
import { outcomeOf, questionOf, verbOf } from "../words.ts";

/** The buttons of what may be done with a batch as it is. */
export function DeedButtons({ batch, admin, class: name }: { batch: Batch; admin: Admin; class: string }): JSX.Element {
  return (
    <>
      {deedsFor(batch).map((deed) => (
        <button
          key={deed}
          type="button"
          class={name}
          disabled={admin.isBusy}
          data-testid={`do-${deed}`}
          onClick={() => admin.ask(questionOf(deed, batch), () => done(deed, batch, admin))}
        >
          {verbOf(deed)}
          <span class="hidden"> {batch.batch_id}</span>
        </button>
      ))}
    </>
  );
}

async function done(deed: Deed, batch: Batch, { api }: Admin): Promise<string> {
  if (deed === "redrive") return redriveWords(await redriveSome(api, [batch]));
  return outcomeOf(deed, batch.batch_id, await api.act(deed, batch));
}
