/**
 * "Full jitter": a random wait of up to 0.5 s, 1 s, 2 s, … 30 s, in milliseconds, so that many clients that failed at once do not
 * return at once. Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export const fullJitter = (random: () => number, attempt: number): number =>
  random() * Math.min(30_000, 500 * 2 ** attempt);
