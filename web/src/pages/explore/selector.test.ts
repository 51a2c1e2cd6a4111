import { expect, test } from "vitest";
import { facets, passing, quoted, selectorOf, seriesKey, seriesText, shortKey } from "./selector";

test("a selector is built of what was chosen", () => {
  const check = (metric: string | undefined, values: Record<string, string[]>, expected: string | undefined) => expect(selectorOf({ metric, values })).toBe(expected);
  check(undefined, {}, undefined);
  check("up", {}, "up");
  check("up", { job: [] }, "up");
  check("up", { job: ["a"], env: ["b"] }, 'up{job="a", env="b"}');
  check(undefined, { job: ["a.b", "c"] }, '{job=~"a\\\\.b|c"}');
  check("http.requests", { "service.name": ['x"y'] }, '{"http.requests", "service.name"="x\\"y"}');
});

test("strings keep quotes, backslashes and lines", () => expect(quoted('a\\b"c\nd')).toBe('"a\\\\b\\"c\\nd"'));

test("a series is written without what goes without saying", () => {
  expect(seriesText({ __name__: "up", job: "a", zone: "b" })).toBe('up{job="a", zone="b"}');
  expect(seriesText({ __name__: "up", job: "a", zone: "b" }, new Set(["__name__", "job"]))).toBe('{zone="b"}');
  expect(seriesText({})).toBe("{}");
  expect(seriesText({ __name__: "a.b" })).toBe('{"a.b"}');
});

test("keys do not depend on the order of labels", () => {
  expect(seriesKey({ a: "1", b: "2" })).toBe(seriesKey({ b: "2", a: "1" }));
  expect(shortKey(seriesKey({ a: "1" }))).not.toBe(shortKey(seriesKey({ a: "2" })));
});

test("facets count the series of the other choices", () => {
  const series = [
    { __name__: "up", job: "a", env: "x" },
    { __name__: "up", job: "a", env: "y" },
    { __name__: "up", job: "b", env: "x" },
  ];
  expect(facets(series, { env: ["x"] })).toEqual([
    { label: "env", values: [{ value: "x", series: 2 }, { value: "y", series: 1 }] },
    { label: "job", values: [{ value: "a", series: 1 }, { value: "b", series: 1 }] },
  ]);
  expect(passing(series, { env: ["x"], job: ["a", "b"] })).toBe(2);
});
