import type { JSX } from "preact";
import { Icon } from "../../components/icons.tsx";
import type { Admin } from "../admin.ts";
import { type Breaker, saidOfBreaker, troubled } from "../model.ts";
import { breakerQuestion, breakerWords } from "../words.ts";
import { BreakerChip } from "./chip.tsx";

/** Above everything, for as long as a breaker does not let everything through: red while it is open. */
export function BreakerBanner({ breakers }: { breakers: readonly Breaker[] }): JSX.Element {
  return (
    <div role="alert">
      {troubled(breakers).map((breaker) => (
        <div
          key={breaker.provider}
          class={`card banner ${saidOfBreaker(breaker.state)[1]}`}
          data-testid="breaker-banner"
          data-breaker={breaker.state}
        >
          <Icon name="alert" size={20} />
          <p>
            <b>
              The circuit breaker of {breaker.provider} is {saidOfBreaker(breaker.state)[0].toLowerCase()}
            </b>{" "}
            {breakerWords(breaker)}. Jobs wait, and lose no attempt.
          </p>
        </div>
      ))}
    </div>
  );
}

/** The breaker of each provider; the operator may open and close them. */
export function Breakers({ breakers, admin }: { breakers: readonly Breaker[]; admin: Admin }): JSX.Element {
  const { api, ask, isOperator, isBusy } = admin;
  const move = (deed: "trip" | "reset", provider: string) =>
    ask(breakerQuestion(deed, provider), async () => {
      const { state } = await api.breaker(deed, provider);
      return `The breaker of ${provider} is ${saidOfBreaker(state)[0].toLowerCase()}`;
    });
  return (
    <section class="card facts-card" aria-labelledby="breakers-title" data-testid="breakers">
      <h2 id="breakers-title" class="head-title">
        Circuit breakers
      </h2>
      <ul class="facts-list">
        {breakers.map(({ provider, ...breaker }) => (
          <li key={provider} data-testid={`breaker-${provider}`} data-breaker={breaker.state}>
            <span class="fact-name">{provider}</span>
            <BreakerChip state={breaker.state} />
            <span class="fact-more">{breakerWords({ provider, ...breaker })}</span>
            {isOperator && (
              <span class="fact-deeds">
                {breaker.state !== "OPEN" && (
                  <button type="button" class="small" disabled={isBusy} onClick={() => move("trip", provider)}>
                    Open it<span class="hidden">: the breaker of {provider}</span>
                  </button>
                )}
                {breaker.state !== "CLOSED" && (
                  <button type="button" class="small" disabled={isBusy} onClick={() => move("reset", provider)}>
                    Close it<span class="hidden">: the breaker of {provider}</span>
                  </button>
                )}
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
