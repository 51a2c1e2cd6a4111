import { expect, test } from "vitest";
import { staleBy } from "./facts";

test("a fact makes stale what it is about", () => {
  const check = (kind: string, subject: string, expected: unknown) => expect(staleBy({ kind, subject })).toEqual(expected);
  check("incident.updated", "inc_1", [["incidents"], ["services"], ["incident", "inc_1"]]);
  check("journal.accepted", "journal", [["status"]]);
  check("config.applied", "config", "all");
  check("something.new", "x", "all");
});
