import { expect, test } from "vitest";
import type { Deploy, Fact } from "../../api/schema";
import { changesSince } from "./changes";

test("deploys and configurations stand in one list", () => {
  const at = (second: number) => new Date(second * 1000).toISOString();
  const deploy = (id: string, second: number) => ({ id, started_at: at(second) }) as Deploy;
  const config = (id: string, second: number, payload: unknown) => ({ id, occurred_at: at(second), payload }) as Fact;
  const changes = changesSince(50_000, [deploy("d1", 10), deploy("d2", 60)], [config("c1", 90, { changes: ["SLO a added", 3] }), config("c2", 55, null)]);
  expect(changes.map((change) => change.key)).toEqual(["c1", "d2", "c2"]);
  expect(changes[0]).toHaveProperty("sentences", ["SLO a added"]);
});
