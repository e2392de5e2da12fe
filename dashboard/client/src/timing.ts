/** Every period of the client, in milliseconds, with where it comes from. */

/** A route's integration has 29 s at API Gateway, but answers in one; after this a request is tried again. */
export const ANSWER_MS = 20_000;
/** How long a socket may take to open. */
export const OPEN_MS = 15_000;
/** API Gateway ends a connection after 10 minutes without a message. */
export const PING_MS = 240_000;
/** API Gateway ends a connection after 2 hours. */
export const LIFETIME_MS = 7_200_000;
/** A connection is renewed at most this long before its end. */
export const MARGIN_MS = 1_200_000;
/** A connection that has stood this long was a good one: the next loss starts with a short wait again. */
export const SETTLED_MS = 10_000;
/** How often the clock is looked at, to find that the machine slept. */
export const TICK_MS = 30_000;
/** A tick this late means sleep; timers of a hidden tab come up to 60 s late by themselves. */
export const SLEPT_MS = 90_000;
/** Least wait after a refused credential; a person has to do something first. */
export const REFUSED_MS = 30_000;
/** When the network is back it is for many at once: they connect within this time. */
export const SPREAD_MS = 1_000;
/** When nothing was verified for a view this long, it is reconciled (requirement: idle sync). */
export const IDLE_MS = 30_000;
/** The missed deltas follow `subscribed` at once; a server that dies between leaves a gap that shows nowhere. */
export const CATCH_UP_MS = 5_000;
/** A view that nobody looks at stays subscribed this long, in case somebody looks again. */
export const LINGER_MS = 10_000;
/** Snapshots are written to disk at most this often per view. */
export const SAVE_MS = 3_000;
/** Tracked events wait this long for others to share a request with. */
export const BATCH_MS = 250;
/** Events found on disk wait this long, for the socket to open. */
export const FOUND_MS = 2_000;
/** Lifecycle events wait this long. */
export const LAZY_MS = 30_000;
