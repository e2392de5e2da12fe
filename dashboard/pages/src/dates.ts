/** Days are dates of the workspace's timezone ("2026-11-22"), hours are instants ("2026-11-22T10:00Z"). */

const DAY_MS = 86_400_000;

const dayShort = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" });
const dayLong = new Intl.DateTimeFormat("en", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
const dayFull = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/** The day `count` days after `day`; earlier when negative. */
export function addDays(day: string, count: number): string {
  return new Date(Date.parse(day) + count * DAY_MS).toISOString().slice(0, 10);
}

/** The date that it is at `now` (ms) in a timezone; in UTC, where the browser does not know the zone. */
export function todayIn(timezone: string | undefined, now: number): string {
  const parts = new Map(
    zoned({ year: "numeric", month: "2-digit", day: "2-digit" }, timezone)
      .formatToParts(now)
      .map(({ type, value }) => [type, value]),
  );
  return `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`;
}

/** "Nov 22", or "Sun, Nov 22" in its long form. */
export function formatDay(day: string, isLong = false): string {
  return (isLong ? dayLong : dayShort).format(new Date(day));
}

/** "10:00", or "Sun, Nov 22, 10:00" in its long form, on the clock of the timezone. */
export function formatHour(hour: string, timezone: string | undefined, isLong = false): string {
  const date: Intl.DateTimeFormatOptions = isLong ? { weekday: "short", day: "numeric", month: "short" } : {};
  return zoned({ ...date, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, timezone).format(new Date(hour));
}

/** "Nov 22, 2026" for one day, "Oct 24 – Nov 22, 2026" for several. */
export function formatRange(first: string, last: string): string {
  return first === last ? dayFull.format(new Date(last)) : dayFull.formatRange(new Date(first), new Date(last));
}

/** "Nov 22, 10:00:05" on the viewer's own clock. */
export function formatMoment(ms: number): string {
  return moment.format(ms);
}

/** How long ago something was: "now", "12 s ago", "3 min ago". */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 2 * 86_400 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86_400)} days ago`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a format is slow, and few different ones are asked for. */
function zoned(options: Intl.DateTimeFormatOptions, timezone = "UTC"): Intl.DateTimeFormat {
  const key = JSON.stringify([timezone, options]);
  let found = formats.get(key);
  if (!found) {
    found = made(options, timezone);
    formats.set(key, found);
  }
  return found;
}

function made(options: Intl.DateTimeFormatOptions, timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en", { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat("en", { ...options, timeZone: "UTC" });
  }
}
