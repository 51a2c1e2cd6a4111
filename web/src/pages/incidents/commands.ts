// What is typed into the composer: a command after a slash, else an update.

import type { IncidentStatus, Severity } from "../../api/schema";

export type Order =
  | { verb: "updates"; body: { text: string; status?: IncidentStatus; mitigation?: true } }
  | { verb: "severity"; body: { severity: Severity; reason: string } }
  | { verb: "assign"; body: { assignee: string } }
  | { verb: "resolve"; body: { reason: string } };

export interface CommandSpec {
  name: string;
  takes: string;
  does: string;
  /** What its first word may be. */
  values?: readonly string[];
}

const STATUSES = ["investigating", "identified", "monitoring"] as const;

export const COMMANDS: CommandSpec[] = [
  { name: "/sev", takes: "1–4 [reason]", does: "change the severity", values: ["1", "2", "3", "4"] },
  { name: "/assign", takes: "name", does: "say who takes it" },
  { name: "/status", takes: "status [text]", does: "say how far you are", values: STATUSES },
  { name: "/mitigated", takes: "text", does: "something was done: recovery is measured from now" },
  { name: "/resolve", takes: "reason", does: "close it for everyone" },
];

/** The order, or what is wrong with the text. */
export function parse(input: string): Order | { error: string } {
  const text = input.trim();
  if (text === "") return { error: "There is nothing to post." };
  if (!text.startsWith("/")) return { verb: "updates", body: { text } };
  const [name = "", word = ""] = text.split(/\s+/, 2);
  const rest = text.slice(name.length).trim();
  const tail = rest.slice(word.length).trim();
  switch (name) {
    case "/sev":
      if (!/^[1-4]$/.test(word)) return { error: "/sev takes a number from 1 to 4." };
      return { verb: "severity", body: { severity: `sev${word}` as Severity, reason: tail || `Set to SEV${word} on the timeline.` } };
    case "/assign":
      return rest === "" ? { error: "/assign takes a name." } : { verb: "assign", body: { assignee: rest } };
    case "/status": {
      const status = STATUSES.find((item) => item === word);
      if (status === undefined) return { error: `/status takes one of ${STATUSES.join(", ")}.` };
      return { verb: "updates", body: { text: tail || `Now ${status}.`, status } };
    }
    case "/mitigated":
      return rest === "" ? { error: "/mitigated takes what was done." } : { verb: "updates", body: { text: rest, mitigation: true } };
    case "/resolve":
      return rest === "" ? { error: "/resolve takes the reason." } : { verb: "resolve", body: { reason: rest } };
    default:
      return { error: `There is no ${name}; there are ${COMMANDS.map((command) => command.name).join(", ")}.` };
  }
}

export interface Completion {
  /** The text once it is taken. */
  text: string;
  label: string;
  note: string;
}

/** What may stand where the text ends. */
export function completions(text: string): Completion[] {
  if (!text.startsWith("/") || text.includes("\n")) return [];
  const [name = "", word, ...more] = text.split(" ");
  if (word === undefined)
    return COMMANDS.filter((command) => command.name.startsWith(name)).map((command) => ({ text: `${command.name} `, label: `${command.name} ${command.takes}`, note: command.does }));
  const values = COMMANDS.find((command) => command.name === name)?.values ?? [];
  if (more.length > 0) return [];
  return values.filter((value) => value.startsWith(word)).map((value) => ({ text: `${name} ${value} `, label: `${name} ${value}`, note: "" }));
}
