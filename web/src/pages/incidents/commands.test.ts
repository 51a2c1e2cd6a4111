import { expect, test } from "vitest";
import { completions, parse } from "./commands";

test("the composer knows commands from updates", () => {
  const check = (text: string, expected: unknown) => expect(parse(text)).toEqual(expected);
  check("  it is the database ", { verb: "updates", body: { text: "it is the database" } });
  check("/sev 1 half of all users", { verb: "severity", body: { severity: "sev1", reason: "half of all users" } });
  check("/sev 2", { verb: "severity", body: { severity: "sev2", reason: "Set to SEV2 on the timeline." } });
  check("/sev 5", { error: "/sev takes a number from 1 to 4." });
  check("/assign Ana Lee", { verb: "assign", body: { assignee: "Ana Lee" } });
  check("/status monitoring", { verb: "updates", body: { text: "Now monitoring.", status: "monitoring" } });
  check("/status identified the pool is full", { verb: "updates", body: { text: "the pool is full", status: "identified" } });
  check("/mitigated rolled back\nby hand", { verb: "updates", body: { text: "rolled back\nby hand", mitigation: true } });
  check("/resolve all is well", { verb: "resolve", body: { reason: "all is well" } });
  check("/resolve", { error: "/resolve takes the reason." });
  check("", { error: "There is nothing to post." });
  expect(parse("/frobnicate")).toHaveProperty("error");
});

test("commands and their values are completed", () => {
  const check = (text: string, expected: string[]) => expect(completions(text).map((item) => item.text)).toEqual(expected);
  check("/", ["/sev ", "/assign ", "/status ", "/mitigated ", "/resolve "]);
  check("/s", ["/sev ", "/status "]);
  check("/status i", ["/status investigating ", "/status identified "]);
  check("/status identified ", []);
  check("/resolve a", []);
  check("no command", []);
});
