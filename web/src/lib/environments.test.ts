import { expect, test } from "vitest";
import { environmentsOf } from "./environments";

const seen = (name: string, environment: string, telemetry_present = true) => ({ name, environment, telemetry_present });

test("environments come from what was seen", () => {
  const all = [seen("web", "staging"), seen("checkout", "prod", false), seen("checkout", "staging"), seen("auth", "live")];
  expect(environmentsOf(all, "checkout")).toEqual(["staging", "prod"]);
  expect(environmentsOf(all)).toEqual(["staging", "live", "prod"]);
  expect(environmentsOf(all, "nobody")).toEqual([]);
});
