import { expect, test } from "vitest";
import type { QueryData } from "../../api/prom";
import { asText, sorted, tableOf } from "./table";

const data: QueryData = {
  resultType: "vector",
  result: [
    { metric: { __name__: "x", job: "a", i: "10" }, value: [1, "2"] },
    { metric: { __name__: "x", job: "a", i: "9" }, value: [1, "NaN"] },
    { metric: { __name__: "x", job: "a", i: "=cmd,1" }, value: [1, "-3"] },
  ],
};

test("columns are the labels that differ", () => {
  const { columns, shared, rows } = tableOf(data);
  expect(columns).toEqual(["i"]);
  expect(shared).toEqual({ __name__: "x", job: "a" });
  expect(rows.map((row) => row.number)).toEqual([2, NaN, -3]);
});

test("sorting counts numbers as numbers and leaves NaN last", () => {
  const { rows } = tableOf(data);
  const by = (sort: string) => sorted(rows, sort).map((row) => row.value);
  expect(by("value")).toEqual(["-3", "2", "NaN"]);
  expect(by("-value")).toEqual(["2", "-3", "NaN"]);
  expect(by("label:i")).toEqual(["-3", "NaN", "2"]);
});

test("text for spreadsheets runs no formulas", () => {
  const { rows } = tableOf(data);
  expect(asText(rows, "csv").split("\n")[3]).toBe(`x,"'=cmd,1",a,-3,1970-01-01T00:00:01.000Z`);
  expect(asText(rows, "tsv").split("\n")[0]).toBe("__name__\ti\tjob\tvalue\ttime");
});

test("a scalar is one row", () => expect(tableOf({ resultType: "scalar", result: [5, "1"] }).rows).toHaveLength(1));
