// Squiggles: what the server finds in the text while one types, what it said about the text that was run, and the piece
// that the explain tree points at.

import { linter, type Diagnostic } from "@codemirror/lint";
import { StateEffect, StateField, type Extension } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin, type DecorationSet } from "@codemirror/view";
import type { Place } from "../problems";
import { Asking, diagnosticsOf, saidBetter, type Ask } from "./findings";
import type { Remark } from "./types";

export type { Remark };

export const setSaid = StateEffect.define<readonly Remark[]>();
const NOTHING: readonly Remark[] = [];

const said = StateField.define<readonly Remark[]>({
  create: () => NOTHING,
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setSaid)) return effect.value;
    return transaction.docChanged ? NOTHING : value;
  },
});

/** While one types, nothing is said at once: half a query is no error. */
const DELAY_MS = 600;

export function squiggles(ask: Ask): Extension {
  const asking = new Asking(ask);
  const source = async (view: EditorView): Promise<Diagnostic[]> => {
    const text = view.state.doc.toString();
    const remarks = view.state.field(said);
    const shown = (all: readonly Remark[]) => all.map(({ place, message, severity }): Diagnostic => ({ from: place.from, to: place.to, severity, message, source: "server" }));
    // What ran and failed has said what is wrong with this text.
    if (remarks.some((one) => one.severity === "error") || text.trim() === "") return shown(remarks);
    const found = await asking.of(text);
    if (found) return [...diagnosticsOf(found, text), ...shown(remarks.filter((one) => !saidBetter(one.message, found.items)))];
    return shown(remarks);
  };
  const giveUp = ViewPlugin.define(() => ({
    update: (update) => void (update.docChanged && asking.giveUp()),
    destroy: () => asking.giveUp(),
  }));
  return [
    said,
    giveUp,
    linter(source, {
      delay: DELAY_MS,
      needsRefresh: (update) => update.transactions.some((transaction) => transaction.effects.some((effect) => effect.is(setSaid))),
    }),
  ];
}

export const highlight = StateEffect.define<Place | null>();
const mark = Decoration.mark({ class: "ek-highlight" });

export const highlighted = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(highlight)) return effect.value && effect.value.from < effect.value.to ? Decoration.set([mark.range(effect.value.from, effect.value.to)]) : Decoration.none;
    return transaction.docChanged ? Decoration.none : value;
  },
  provide: (field) => EditorView.decorations.from(field),
});
