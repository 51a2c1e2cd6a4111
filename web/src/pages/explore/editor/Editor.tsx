// The editor of PromQL: CodeMirror within a shadow root, where its styles are adopted sheets and need no nonce.

import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, startCompletion } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, LRLanguage, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder, tooltips } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { parser } from "@prometheus-io/lezer-promql";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useImperativeHandle, useRef } from "react";
import { lintQuery } from "../../../api/prom";
import css from "../explore.module.css";
import type { Place } from "../problems";
import { completion } from "./complete";
import { highlight, highlighted, setSaid, squiggles, type Remark } from "./remarks";
import { theme } from "./theme";
import { typing } from "./typing";
import type { EditorHandle, EditorProps } from "./types";

const language = LRLanguage.define({
  parser: parser.configure({ top: "PromQL" }),
  languageData: { closeBrackets: { brackets: ["(", "[", "{", "'", '"', "`"] }, commentTokens: { line: "#" } },
});

const colors = HighlightStyle.define([
  { tag: tags.number, color: "var(--code-number)" },
  { tag: tags.string, color: "var(--code-string)" },
  { tag: [tags.keyword, tags.function(tags.variableName)], color: "var(--code-function)" },
  { tag: tags.labelName, color: "var(--code-label)" },
  { tag: tags.operator, color: "var(--text)" },
  { tag: tags.modifier, color: "var(--code-function)" },
  { tag: tags.paren, color: "var(--muted)" },
  { tag: tags.squareBracket, color: "var(--muted)" },
  { tag: tags.brace, color: "var(--muted)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

export function Editor({ value, outside, onChange, onRun, onHistory, onFormat, remarks, place, label, ref }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const written = useRef(outside.id);
  const client = useQueryClient();
  const latest = useRef({ value, onChange, onRun, onHistory, onFormat });
  latest.current = { value, onChange, onRun, onHistory, onFormat };

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const shadow = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    const parent = document.createElement("div");
    shadow.replaceChildren(parent);
    const own = Prec.highest(
      keymap.of([
        { key: "Mod-Enter", run: (of) => (closeCompletion(of), latest.current.onRun(of.state.doc.toString()), true) },
        { key: "Shift-Alt-f", run: () => (latest.current.onFormat?.(), true) },
        { key: "Alt-ArrowUp", run: () => (latest.current.onHistory(-1), true) },
        { key: "Alt-ArrowDown", run: () => (latest.current.onHistory(1), true) },
        { key: "Shift-Enter", run: insertNewlineAndIndent },
        // A closed list leaves Escape to the page: Tab then leaves the editor.
        { key: "Escape", run: (of) => closeCompletion(of) },
        { key: "Tab", run: acceptCompletion },
      ]),
    );
    const editor = new EditorView({
      parent,
      root: shadow,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          own,
          typing,
          history(),
          closeBrackets(),
          bracketMatching(),
          indentOnInput(),
          language.extension,
          syntaxHighlighting(colors),
          completion(client, language),
          autocompletion({ icons: false, maxRenderedOptions: 60, interactionDelay: 30 }),
          squiggles(lintQuery),
          highlighted,
          tooltips({ position: "fixed" }),
          placeholder("PromQL, such as sum by (service_name) (rate(http_server_request_duration_seconds_count[5m]))"),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", autocapitalize: "off", "data-editor": "" }),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
          theme,
        ],
      }),
    });
    view.current = editor;
    return () => {
      editor.destroy();
      view.current = undefined;
    };
  }, [client, label]);

  useEffect(() => {
    const editor = view.current;
    // The editor begins with the text as it stands; only what comes after is written.
    if (written.current === outside.id) return;
    written.current = outside.id;
    if (editor === undefined || editor.state.doc.toString() === outside.text) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: outside.text }, selection: { anchor: outside.text.length } });
  }, [outside]);
  useEffect(() => {
    const editor = view.current;
    // What is said about another text than the one that stands there waits for it.
    if (editor) editor.dispatch({ effects: setSaid.of(editor.state.doc.toString() === value ? inside(remarks, value.length) : []) });
  }, [remarks, value]);
  useEffect(() => view.current?.dispatch({ effects: highlight.of(place && place.to <= (view.current?.state.doc.length ?? 0) ? place : null) }), [place]);

  useImperativeHandle(
    ref,
    (): EditorHandle => ({
      focus: () => view.current?.focus(),
      insert: (text) => {
        const editor = view.current;
        if (editor === undefined) return;
        editor.dispatch(editor.state.replaceSelection(text), { scrollIntoView: true });
        editor.focus();
      },
      select: (at: Place) => {
        view.current?.dispatch({ selection: { anchor: at.from, head: at.to }, scrollIntoView: true });
        view.current?.focus();
      },
      complete: () => void (view.current && startCompletion(view.current)),
    }),
    [],
  );
  return <div ref={host} className={css.editor} />;
}

function inside(remarks: readonly Remark[], length: number): readonly Remark[] {
  return remarks.filter((remark) => remark.place.to <= length);
}

