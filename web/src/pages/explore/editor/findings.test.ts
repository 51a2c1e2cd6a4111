import { EditorState, Text } from "@codemirror/state";
import { expect, test } from "vitest";
import type { PromqlFinding, PromqlFindings } from "../../../api/schema";
import { Asking, changesOf, diagnosticsOf, saidBetter, type Ask } from "./findings";

const finding = (own: Partial<PromqlFinding>): PromqlFinding => ({ code: "x", severity: "hint", message: "m", start: 0, end: 1, line: 1, column: 1, ...own });
const said = (...items: PromqlFinding[]): PromqlFindings => ({ items, more: 0 });
const nothing = said();

/** Answers when it is told to. */
function held() {
  const asked: { text: string; signal: AbortSignal; answer: (found: PromqlFindings | null) => void }[] = [];
  const ask: Ask = (text, signal) =>
    new Promise((answer, fail) => {
      signal.addEventListener("abort", () => fail(new DOMException("", "AbortError")));
      asked.push({ text, signal, answer });
    });
  return { asked, ask };
}

test("another text gives up the one before, the same one is asked about once", async () => {
  const { asked, ask } = held();
  const asking = new Asking(ask);
  const first = asking.of("a");
  const second = asking.of("b");
  const again = asking.of("b");
  expect(asked.map((one) => [one.text, one.signal.aborted])).toEqual([
    ["a", true],
    ["b", false],
  ]);
  asked[1]?.answer(nothing);
  expect(await Promise.all([first, second, again])).toEqual([undefined, nothing, nothing]);
  expect(await asking.of("b")).toBe(nothing);
  expect(asked.length).toBe(2);
});

test("an edit gives up, and a server that could not say is asked again", async () => {
  const { asked, ask } = held();
  const asking = new Asking(ask);
  const first = asking.of("a");
  asking.giveUp();
  expect(await first).toBeUndefined();
  const second = asking.of("a");
  asked[1]?.answer(null);
  expect(await second).toBeNull();
  void asking.of("a");
  expect(asked.length).toBe(3);
});

test("what breaks off on the way is as if nobody could say", async () => {
  const asking = new Asking(() => Promise.reject(new Error("the network")));
  expect(await asking.of("a")).toBeNull();
});

test("a finding stands where the server says, with its fix", () => {
  const text = 'rate(x{a="é😀"}[5m])';
  const fix = { title: "use `deriv`", edits: [{ start: 0, end: 4, text: "deriv" }] };
  const [one] = diagnosticsOf(said(finding({ code: "rate-of-gauge", severity: "warning", message: "a gauge", start: 0, end: text.length, fix })), text);
  expect(one).toMatchObject({ from: 0, to: text.length, severity: "warning", message: "a gauge", source: "rate-of-gauge" });
  expect(one?.actions?.map(({ name }) => name)).toEqual(["use `deriv`"]);
  const [without] = diagnosticsOf(said(finding({ start: 3, end: 999 })), text);
  expect(without).toMatchObject({ from: 3, to: text.length });
  expect(without?.actions).toBeUndefined();
});

test("a fix is made whole, and only in the text that it is for", () => {
  const text = "sum(hits)";
  const fix = { title: "", edits: [{ start: 4, end: 4, text: "rate(" }, { start: 8, end: 8, text: "[5m])" }] };
  const state = EditorState.create({ doc: text });
  const changes = changesOf(fix, text, state.doc);
  expect(state.update({ changes: changes ?? [] }).newDoc.toString()).toBe("sum(rate(hits[5m]))");
  expect(changesOf(fix, text, Text.of(["sum(hit)"]))).toBeUndefined();
});

test("what cannot be read looks as it does when it is run", () => {
  const check = (text: string, own: Partial<PromqlFinding>, expected: [number, number, string]) => {
    const [one] = diagnosticsOf(said(finding({ code: "syntax", severity: "error", ...own })), text);
    expect([one?.from, one?.to, one?.message]).toEqual(expected);
  };
  check("sum(ratee(x[5m]))", { message: 'unknown function with name "ratee"', start: 4, end: 9, column: 5 }, [4, 9, 'unknown function with name "ratee". Did you mean rate?']);
  check("sum(x", { message: "unclosed left parenthesis", start: 5, end: 5, column: 6 }, [4, 5, "unclosed left parenthesis. A parenthesis is not closed."]);
});

test("one word about the same thing is enough", () => {
  const note = 'metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "memory"';
  expect(saidBetter(note, [finding({ code: "rate-of-gauge" })])).toBe(true);
  expect(saidBetter(note, [finding({ code: "missing-le" })])).toBe(false);
  expect(saidBetter("another", [finding({ code: "rate-of-gauge" })])).toBe(false);
});
