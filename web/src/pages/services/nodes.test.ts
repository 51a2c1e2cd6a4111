import { expect, test } from "vitest";
import type { MapEdge, MapNode } from "../../api/schema";
import { keyed, nodeKey } from "./nodes";

const requests = { per_second: 1, error_ratio: 0 };
const node = (service: string, environment?: string) => ({ service, external: false, environment }) as MapNode;
const edge = (caller: string, callee: string, environment?: string) => ({ caller, callee, requests, environment }) as MapEdge;

test("one name in two environments is two services", () => {
  const check = (nodes: MapNode[], edges: MapEdge[], expected: string[]) => {
    const name = (key: string) => key.replace("\u0000", "@");
    expect(keyed({ nodes, edges }).edges.map((item) => `${name(item.from)} ${name(item.to)}`)).toEqual(expected);
  };
  const both = [node("web", "prod"), node("web", "staging"), node("cart", "prod"), node("cart", "staging")];
  check(both, [edge("web", "cart", "staging")], ["web@staging cart@staging"]);
  check(both, [edge("web", "cart")], ["web@prod cart@prod", "web@staging cart@staging"]);
  check([node("web", "prod"), node("bank")], [edge("web", "bank", "prod")], ["web@prod bank@"]);
  check([node("web"), node("cart")], [edge("web", "cart")], ["web@ cart@"]);
  check([node("web", "prod")], [edge("web", "db")], ["web@prod db@"]);
  expect(keyed({ nodes: both, edges: [] }).nodes.map((item) => item.key)).toContain(nodeKey("web", "staging"));
});
