import { expect, test } from "vitest";
import { nearest, placeAt, readAnnotation, readError, utf16At } from "./problems";

test("a position is the word that stands there", () => {
  const check = (text: string, line: number, column: number, expected: string) => {
    const { from, to } = placeAt(text, line, column);
    expect(text.slice(from, to)).toBe(expected);
  };
  check("sum(rate(x[5m))", 1, 14, ")");
  check("foo(up)", 1, 1, "foo");
  check("a +\nbad(up)", 2, 1, "bad");
  check('up{a="é"} + nope(up)', 1, 14, "nope");
  check("sum(", 1, 5, "(");
  expect(placeAt("", 1, 1)).toEqual({ from: 0, to: 0 });
  check("up", 9, 9, "p");
});

test("bytes become UTF-16", () => {
  expect(utf16At("aé😀b", 1)).toBe(1);
  expect(utf16At("aé😀b", 3)).toBe(2);
  expect(utf16At("aé😀b", 7)).toBe(4);
});

test("errors are split into place, message and hint", () => {
  const unknown = readError('1:1: parse error: unknown function with name "ratee"', "ratee(up[5m])");
  expect(unknown).toEqual({ message: 'unknown function with name "ratee"', place: { from: 0, to: 5 }, hint: "Did you mean rate?", setting: undefined });
  expect(readError('invalid parameter "query": 1:5: parse error: unexpected end of input', "sum(").message).toBe("unexpected end of input");
  const limit = readError("the query reads more samples than `query.max_samples` (50000000) allows", "up");
  expect(limit.setting).toBe("query.max_samples");
  expect(limit.hint).toContain("query.max_samples");
  expect(readError("the server is out of breath", "up")).toEqual({ message: "the server is out of breath", place: undefined, hint: undefined, setting: undefined });
});

test("annotations lose their position and their prefix", () => {
  expect(readAnnotation('PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "x" (1:6)', "rate(x[5m])")).toEqual({
    message: 'metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "x"',
    place: { from: 5, to: 6 },
    hint: undefined,
    setting: undefined,
  });
});

test("the nearest name is near", () => {
  expect(nearest("historgam_quantile")).toBe("histogram_quantile");
  expect(nearest("zzzzzz")).toBeUndefined();
});
