// Squiggles: what the grammar says while one types, what the server said about the text that was run, and the piece that
// the explain tree points at.

import { linter, type Diagnostic } from "@codemirror/lint";
import { StateEffect, StateField, type Extension } from "@codemirror/state";
import { Decoration, EditorView, type DecorationSet } from "@codemirror/view";
import { HybridLint } from "@prometheus-io/codemirror-promql/dist/esm/lint/hybrid";
import type { Place } from "../problems";
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

/** While one types, the grammar speaks late: half a query is no error. */
const DELAY_MS = 600;

export function squiggles(): Extension {
  const grammar = new HybridLint().promQL();
  const source = async (view: EditorView): Promise<Diagnostic[]> => {
    const fromServer = view.state.field(said).map(({ place, message, severity }): Diagnostic => ({ from: place.from, to: place.to, severity, message, source: "server" }));
    // Where the server has spoken about this text, its word is the one that counts.
    if (fromServer.some((one) => one.severity === "error") || view.state.doc.length === 0) return fromServer;
    const own = await grammar(view);
    return [...own.map((one) => ({ ...one, to: Math.min(one.to, view.state.doc.length) })), ...fromServer];
  };
  return [
    said,
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
