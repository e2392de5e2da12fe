// Numbers, names and times for people.

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const BYTES = ["B", "kB", "MB", "GB", "TB", "PB"];

/** A value in its unit, short enough for a card; whole counts stay exact up to seven digits, so that they visibly move. */
export function format(value, unit = "count") {
  if (typeof value !== "number") return String(value ?? "") || "–";
  if (unit === "bytes") return bytes(value);
  if (unit === "percent") return `${plain.format(value)}%`;
  const number = (Math.abs(value) < 1e7 ? plain : compact).format(value);
  return { minutes: `${number} min`, hours: `${number} h` }[unit] ?? number;
}

/** As short as an axis needs it. */
export function formatShort(value, unit) {
  return unit === "bytes" || unit === "percent" ? format(value, unit) : compact.format(value);
}

function bytes(value) {
  const power = Math.min(BYTES.length - 1, Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1) / 3)));
  return `${Number((value / 1000 ** power).toPrecision(4))} ${BYTES[power]}`;
}

/** "top_referrers" reads "Top referrers", where no title is declared. */
export const prettify = (name) => (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " ");

const DAY = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" });
const HOUR = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const WEEKDAY = new Intl.DateTimeFormat("en", { weekday: "short" });

/** A day's key is its local date and is shown as such; an hour is shown in the viewer's own time. */
export function formatPoint(key, grain, isLong = false) {
  const date = new Date(key);
  if (grain === "day") return DAY.format(date);
  return isLong ? `${WEEKDAY.format(date)} ${HOUR.format(date)}` : HOUR.format(date);
}

export function formatAge(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`;
}
