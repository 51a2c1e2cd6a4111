// What a server says about a query, put where it stands in the text, with a hint on what to do about it.

import { NAMES } from "./names";

export interface Place {
  from: number;
  to: number;
}

/** Offsets in bytes of UTF-8 as JavaScript counts: in UTF-16. */
export function utf16At(text: string, bytes: number): number {
  let at = 0;
  let seen = 0;
  for (const char of text) {
    if (seen >= bytes) break;
    const code = char.codePointAt(0) ?? 0;
    seen += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    at += char.length;
  }
  return at;
}

/** The word at `line:column` (both from 1; columns in bytes); a place past the end is the last character. */
export function placeAt(text: string, line: number, column: number): Place {
  const lines = text.split("\n");
  const row = Math.min(Math.max(line, 1), lines.length) - 1;
  const before = lines.slice(0, row).reduce((sum, one) => sum + one.length + 1, 0);
  const own = lines[row] ?? "";
  const from = before + Math.min(utf16At(own, Math.max(column, 1) - 1), own.length);
  const word = /^(?:[\w:.]+|"[^"]*"?|.)/.exec(text.slice(from))?.[0] ?? "";
  if (word !== "") return { from, to: from + word.length };
  return { from: Math.max(0, from - 1), to: text.length };
}

export interface Said {
  /** Without the position that stands before or after it. */
  message: string;
  place: Place | undefined;
  hint: string | undefined;
  /** The setting that stopped the query. */
  setting: string | undefined;
}

const SETTING = /`?\b(query\.[a-z_]+)\b`?/;

/** An error of the server: `1:21: parse error: unexpected …`. */
export function readError(text: string, query: string): Said {
  const found = /(?:^|\s|: )(\d+):(\d+): (?:parse error: )?(.*)$/s.exec(text);
  const message = found ? (found[3] ?? text) : text.replace(/^invalid parameter "query": /, "");
  const setting = SETTING.exec(text)?.[1];
  return {
    message,
    place: found ? placeAt(query, Number(found[1]), Number(found[2])) : undefined,
    hint: hintFor(message, query, setting),
    setting,
  };
}

/** A warning or an info: `PromQL info: metric might not be a counter …: "x" (1:6)`. */
export function readAnnotation(text: string, query: string): Said {
  const found = /\s*\((\d+):(\d+)\)\s*$/.exec(text);
  const message = (found ? text.slice(0, found.index) : text).replace(/^PromQL (?:info|warning): /, "");
  return { message, place: found ? placeAt(query, Number(found[1]), Number(found[2])) : undefined, hint: undefined, setting: SETTING.exec(text)?.[1] };
}

function hintFor(message: string, query: string, setting: string | undefined): string | undefined {
  const unknown = /unknown function (?:with name )?"(\w+)"/.exec(message)?.[1];
  if (unknown !== undefined) {
    const near = nearest(unknown);
    return near ? `Did you mean ${near}?` : "Ctrl Space lists the functions.";
  }
  if (/expected type range vector/.test(message)) return "This function looks over time: give the selector a range, such as [5m].";
  if (/expected type instant vector.*got range vector|range vector.*instant vector/.test(message)) return "Take the range such as [5m] away, or put a function such as rate() about it.";
  if (/invalid expression type "range vector" for range query/.test(message)) return "A chart needs a value at each step: put a function such as rate() about it, or look at the table.";
  if (/invalid expression type "string"/.test(message)) return "A string has no chart; the table shows it.";
  if (/many-to-many matching|found duplicate series/.test(message)) return "Several series of one side fit one of the other: add on(…) or ignoring(…), with group_left or group_right where one side has more.";
  if (/many-to-one matching must be explicit/.test(message)) return "Say which side has more series: group_left or group_right.";
  if (/expected "\]"/.test(message)) return "The range in [ ] is not closed.";
  if (/unclosed left parenthesis|expected "\)"/.test(message) || depth(query) > 0) return "A parenthesis is not closed.";
  if (/at least one non-empty matcher|must contain at least one/.test(message)) return "Name a metric, or match a label with something that is not empty.";
  if (/unterminated|unclosed quoted/.test(message)) return "A string is not closed.";
  if (setting !== undefined) return `The limit is ${setting} in the server's configuration. Match fewer series, choose a longer step or a shorter time.`;
  return undefined;
}

function depth(query: string): number {
  let open = 0;
  for (const char of query.replaceAll(/"(?:[^"\\]|\\.)*"/g, "")) open += char === "(" ? 1 : char === ")" ? -1 : 0;
  return open;
}

/** The known name that is fewest changes away, when that is few. */
export function nearest(name: string): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const known of NAMES) {
    const far = distance(name.toLowerCase(), known, least);
    if (far < least) [best, least] = [known, far];
  }
  return best;
}

function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) >= most) return most;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? most;
}
