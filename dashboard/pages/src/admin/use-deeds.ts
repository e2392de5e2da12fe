import { useCallback, useRef, useState } from "preact/hooks";
import type { Tell } from "../toasts.ts";
import type { Beat } from "./beat.ts";
import { problemOf } from "./refresh.ts";
import type { Question } from "./words.ts";

/** Ask, do, and say what came of it: `act` returns it in words. */
export type Do = (question: Question, act: () => Promise<string>) => void;

export interface Deeds {
  /** What is asked right now. */
  question: Question | undefined;
  /** Something is being done: nothing else can be begun meanwhile. */
  isBusy: boolean;
  ask: Do;
  answer: (isYes: boolean) => void;
}

/** What is done by hand: never without being asked, one at a time. A request under way is not given up: it may be done. */
export function useDeeds(tell: Tell, beat: Beat): Deeds {
  const [question, setQuestion] = useState<Question>();
  const [isBusy, setBusy] = useState(false);
  const asked = useRef<() => Promise<string>>(undefined);
  const ask = useCallback<Do>((next, act) => {
    asked.current = act;
    setQuestion(next);
  }, []);
  const answer = useCallback(
    (isYes: boolean) => {
      setQuestion(undefined);
      const act = asked.current;
      asked.current = undefined;
      if (!isYes || !act) return;
      setBusy(true);
      act()
        .then(
          (words) => tell(words, "success"),
          (error: unknown) => {
            const { message, code } = problemOf(error);
            tell(`${message} (${code})`, "error");
          },
        )
        .finally(() => {
          setBusy(false);
          beat.strike();
        });
    },
    [tell, beat],
  );
  return { question, isBusy, ask, answer };
}
