import { expect, test } from "vitest";
import { shifted, spanOf, spanSearch, zoomedOut } from "./range";

const MINUTE = 60_000;

test("a window shifts and never leaves the past", () => {
  const check = (share: number, now: number, expected: [number, number]) => {
    const { from, to } = shifted({ from: 10 * MINUTE, to: 20 * MINUTE }, share, now * MINUTE);
    expect([from / MINUTE, to / MINUTE]).toEqual(expected);
  };
  check(-0.5, 20, [5, 15]);
  check(0.5, 100, [15, 25]);
  check(0.5, 22, [12, 22]);
});

test("zooming out doubles the window", () => {
  expect(zoomedOut({ from: 40, to: 60 }, 1_000)).toEqual({ from: 30, to: 70 });
  expect(zoomedOut({ from: 40, to: 60 }, 60)).toEqual({ from: 20, to: 60 });
});

test("the address holds a window", () => {
  const check = (from: string | undefined, to: string | undefined, expected: unknown) => expect(spanOf(from, to)).toEqual(expected);
  check(undefined, undefined, undefined);
  check("1970-01-01T00:01:00Z", "1970-01-01T00:00:00Z", undefined);
  check("nonsense", "1970-01-01T00:00:00Z", undefined);
  check("1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z", { from: 0, to: MINUTE });
  expect(spanSearch({ from: 60_000.7, to: 60_900 })).toEqual({ from: "1970-01-01T00:00:00Z", to: "1970-01-01T00:01:00Z" });
});
