// Numbers and times as people read them. A missing value is an en dash, never 0.

export const MISSING = "–";
const NBSP = "\u00a0";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });

/** A count of events; small fractions keep one digit. */
export function count(value: number | null | undefined): string {
  if (value == null) return MISSING;
  return Math.abs(value) < 10 && !Number.isInteger(value) ? tenth.format(value) : whole.format(value);
}

/** A ratio as a percentage with the digits that it needs: 0.9995 -> 99.95 %. */
export function percent(ratio: number | null | undefined, digits?: number): string {
  if (ratio == null) return MISSING;
  const value = ratio * 100;
  if (digits != null) return `${value.toFixed(digits)}${NBSP}%`;
  // Near 100 % the distance from it is what matters; elsewhere the size itself.
  const scale = value > 90 && value < 100 ? 100 - value : Math.abs(value);
  const places = scale === 0 || scale >= 10 ? 1 : scale >= 1 ? 2 : 3;
  const text = value.toFixed(places).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  return `${text}${NBSP}%`;
}

/** What is left of a budget: a tenth of a percent matters near zero, not far below it. */
export function budgetPercent(ratio: number | null | undefined): string {
  if (ratio == null) return MISSING;
  return Math.abs(ratio) < 10 ? percent(ratio, 1).replace("-", "−") : `${whole.format(ratio * 100).replace("-", "−")}${NBSP}%`;
}

/** A burn rate: 14.4x. */
export function burn(rate: number | null | undefined): string {
  if (rate == null) return MISSING;
  return `${rate >= 100 ? whole.format(rate) : Number(rate.toFixed(rate < 10 ? 2 : 1))}×`;
}

const UNITS: [number, string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** A duration in its two largest units. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null) return MISSING;
  const sign = seconds < 0 ? "−" : "";
  let rest = Math.abs(seconds);
  if (rest < 1) return rest === 0 ? `0${NBSP}s` : `${sign}${Math.max(1, Math.round(rest * 1000))}${NBSP}ms`;
  if (rest < 10 && !Number.isInteger(rest)) return `${sign}${rest.toFixed(1)}${NBSP}s`;
  rest = Math.round(rest);
  const parts: string[] = [];
  for (const [size, name] of UNITS) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) parts.push(`${n}${NBSP}${name}`);
    if (parts.length === 2 || (parts.length === 1 && n === 0)) break;
  }
  return sign + parts.join(" ");
}

/** A window of time in one short word: 1h, 5m, 30d. */
export function windowName(seconds: number): string {
  for (const [size, name] of [[86_400, "d"], [3_600, "h"], [60, "m"]] as const)
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${name}`;
  return `${seconds}s`;
}

const bytesUnits = ["B", "KiB", "MiB", "GiB", "TiB"];
export function bytes(value: number | null | undefined): string {
  if (value == null) return MISSING;
  let n = value;
  let unit = 0;
  while (n >= 1024 && unit < bytesUnits.length - 1) {
    n /= 1024;
    unit += 1;
  }
  return `${n < 10 && unit > 0 ? n.toFixed(1) : Math.round(n)}${NBSP}${bytesUnits[unit]}`;
}

export type Zone = "utc" | "local";

/** A clock time, with its date when that is not today's. */
export function clock(at: string | null | undefined, zone: Zone, now: number, seconds = true): string {
  if (at == null) return MISSING;
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return at;
  const timeZone = zone === "utc" ? "UTC" : undefined;
  const day = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" });
  const hours = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds ? { second: "2-digit" as const } : {}),
    hourCycle: "h23",
  }).format(time);
  return day.format(time) === day.format(now) ? hours : `${day.format(time)} ${hours}`;
}

/** How long ago, in one unit. */
export function ago(at: string | null | undefined, now: number): string {
  if (at == null) return MISSING;
  const seconds = (now - new Date(at).getTime()) / 1000;
  if (Number.isNaN(seconds)) return at;
  if (seconds < 2) return "now";
  for (const [size, name] of UNITS) if (seconds >= size) return `${Math.floor(seconds / size)}${NBSP}${name} ago`;
  return "now";
}

const WORDS: Record<string, string> = {
  insufficient_data: "insufficient data",
  sev1: "SEV1",
  sev2: "SEV2",
  sev3: "SEV3",
  sev4: "SEV4",
};

/** A word of the API as people write it. */
export function word(value: string): string {
  return WORDS[value] ?? value.replaceAll("_", " ");
}
