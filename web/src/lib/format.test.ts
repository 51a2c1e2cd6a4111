import { describe, expect, test } from "vitest";
import { ago, budgetPercent, burn, bytes, clock, count, duration, percent, windowName } from "./format";

const plain = (text: string) => text.replaceAll("\u00a0", " ");

describe("numbers", () => {
  test.each([
    [0.9995, "99.95 %"],
    [0.999, "99.9 %"],
    [0.9999873, "99.999 %"],
    [1, "100 %"],
    [0, "0 %"],
    [-0.124, "-12.4 %"],
    [0.0123, "1.23 %"],
    [0.0004, "0.04 %"],
    [null, "–"],
  ])("percent %s", (ratio, text) => expect(plain(percent(ratio))).toBe(text));

  test("a missing count is not zero", () => {
    expect(count(null)).toBe("–");
    expect(count(0)).toBe("0");
    expect(count(12345.6)).toBe("12,346");
    expect(count(1.25)).toBe("1.3");
  });

  test("burn and bytes", () => {
    expect(burn(14.4)).toBe("14.4×");
    expect(burn(0.5)).toBe("0.5×");
    expect(burn(6)).toBe("6×");
    expect(burn(1000)).toBe("1,000×");
    expect(plain(bytes(1536))).toBe("1.5 KiB");
  });
});

describe("time", () => {
  test.each([
    [0, "0 s"],
    [0.25, "250 ms"],
    [4.5, "4.5 s"],
    [60, "1 min"],
    [3_700, "1 h 1 min"],
    [86_400 * 14, "14 d"],
    [86_400 + 60, "1 d"],
    [-90, "−1 min 30 s"],
    [null, "–"],
  ])("duration %s", (seconds, text) => expect(plain(duration(seconds))).toBe(text));

  test("windows", () => {
    expect([3_600, 300, 86_400, 21_600, 2_419_200].map(windowName)).toEqual(["1h", "5m", "1d", "6h", "28d"]);
  });

  test("a clock time names its day when it is another", () => {
    const now = Date.parse("2026-11-23T12:00:00Z");
    expect(clock("2026-11-23T03:00:01Z", "utc", now)).toBe("03:00:01");
    expect(clock("2026-11-22T03:00:01Z", "utc", now)).toBe("2026-11-22 03:00:01");
    expect(clock(null, "utc", now)).toBe("–");
  });

  test("ago", () => {
    const now = Date.parse("2026-11-23T12:00:00Z");
    expect(plain(ago("2026-11-23T11:58:00Z", now))).toBe("2 min ago");
    expect(ago("2026-11-23T12:00:05Z", now)).toBe("now");
  });
});

test("what is left of a budget", () => {
  const check = (ratio: number | null, expected: string) => expect(budgetPercent(ratio)).toBe(expected);
  check(null, "–");
  check(0.715, "71.5\u00a0%");
  check(-0.3, "−30.0\u00a0%");
  check(-330.667, "−33,067\u00a0%");
});
