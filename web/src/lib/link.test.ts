import { expect, test } from "vitest";
import { frozen } from "./link";

test("a copied link stands still", () => {
  const check = (href: string, expected: string) => expect(decodeURIComponent(frozen(href, 3_600, Date.parse("2026-11-26T12:00:00.400Z")))).toBe(expected);
  check("http://h/app/slos/a?range=1h&env=prod", "http://h/app/slos/a?env=prod&from=2026-11-26T11:00:00Z&to=2026-11-26T12:00:00Z");
  check("http://h/app/slos/a?from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z", "http://h/app/slos/a?from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z");
});
