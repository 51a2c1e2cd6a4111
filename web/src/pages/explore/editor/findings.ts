// What the server finds in the text as one types: asked for one text at a time, shown where it stands, with its fix.

import type { Action, Diagnostic } from "@codemirror/lint";
import type { ChangeSpec, Text } from "@codemirror/state";
import type { PromqlFinding, PromqlFindings, PromqlFix } from "../../../api/schema";
import { readError } from "../problems";

export type Ask = (text: string, signal: AbortSignal) => Promise<PromqlFindings | null>;

/** Asks about one text at a time: another one, or an edit, gives up the one before. */
export class Asking {
  #last: { text: string; found: Promise<PromqlFindings | null>; stop: AbortController } | undefined;
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Null when nobody can say; undefined when it was given up. A text that was asked about just now is not asked about again. */
  async of(text: string): Promise<PromqlFindings | null | undefined> {
    if (this.#last?.text !== text) {
      this.giveUp();
      const stop = new AbortController();
      this.#last = { text, found: this.#ask(text, stop.signal), stop };
    }
    const mine = this.#last;
    let found: PromqlFindings | null = null;
    try {
      found = await mine.found;
    } catch {
      // Given up, or broken off on the way.
    }
    if (mine.stop.signal.aborted) return undefined;
    // A server that could not say may be able to next time.
    if (found === null && this.#last === mine) this.#last = undefined;
    return found;
  }

  giveUp(): void {
    this.#last?.stop.abort();
    this.#last = undefined;
  }
}

/** The findings as CodeMirror shows them. */
export function diagnosticsOf({ items }: PromqlFindings, text: string): Diagnostic[] {
  return items.map((one): Diagnostic => {
    const { message, from, to } = one.code === "syntax" ? unread(one, text) : { message: one.message, from: one.start, to: one.end };
    const inside = (at: number) => Math.min(Math.max(at, 0), text.length);
    return { from: inside(from), to: inside(Math.max(from, to)), severity: one.severity, message, source: one.code, ...(one.fix ? { actions: [actionOf(one.fix, text)] } : {}) };
  });
}

/** As the same error looks when the text is run: under the word, with what to do about it. */
function unread({ message, line, column, start, end }: PromqlFinding, text: string) {
  const said = readError(`${line}:${column}: parse error: ${message}`, text);
  const place = start < end || said.place === undefined ? { from: start, to: end } : said.place;
  return { ...place, message: said.hint ? `${said.message}. ${said.hint}` : said.message };
}

function actionOf(fix: PromqlFix, text: string): Action {
  return {
    name: fix.title,
    apply: (view) => {
      const changes = changesOf(fix, text, view.state.doc);
      if (changes) view.dispatch({ changes, userEvent: "input.fix", scrollIntoView: true });
      view.focus();
    },
  };
}

/** Undefined when the text is no longer the one that the fix is for. */
export function changesOf(fix: PromqlFix, text: string, doc: Text): ChangeSpec[] | undefined {
  if (doc.toString() !== text) return undefined;
  return fix.edits.map(({ start, end, text: insert }) => ({ from: start, to: end, insert }));
}

/** Whether a note of the evaluation says what a finding says better. */
export function saidBetter(note: string, items: PromqlFinding[]): boolean {
  return /might not be a counter/.test(note) && items.some((one) => one.code === "rate-of-gauge");
}
