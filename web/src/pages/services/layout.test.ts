import { expect, test } from "vitest";
import { place } from "./layout";

const node = (key: string) => ({ key });
const edge = (from: string, to: string) => ({ key: `${from} ${to}`, from, to });

test("callers stand left of what they call, whatever the order", () => {
  const nodes = ["payment", "web", "checkout"].map(node);
  const edges = [edge("checkout", "payment"), edge("web", "checkout")];
  const placed = place({ nodes, edges });
  const x = (name: string) => placed.nodes.get(name)!.x;
  expect(x("web")).toBeLessThan(x("checkout"));
  expect(x("checkout")).toBeLessThan(x("payment"));
  expect(place({ nodes: nodes.toReversed(), edges: edges.toReversed() }).nodes.get("checkout")).toEqual(placed.nodes.get("checkout"));
});

test("a service that calls itself, a circle, and a node that only an edge names are drawn", () => {
  const placed = place({ nodes: [node("a")], edges: [edge("a", "a"), edge("a", "b"), edge("b", "a")] });
  expect([...placed.nodes.keys()].sort()).toEqual(["a", "b"]);
  expect(placed.edges.has("a b")).toBe(true);
});
