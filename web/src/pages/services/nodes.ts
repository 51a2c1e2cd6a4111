// Services on the map by name and environment: one name may run in several.

import type { MapEdge, MapNode, ServiceMap } from "../../api/schema";

/** The environment where the server says it. */
type Placed = { environment?: string | null | undefined };

export type Node = MapNode & Placed & { key: string };

export interface Edge {
  key: string;
  from: string;
  to: string;
  edge: MapEdge;
}

export function nodeKey(service: string, environment: string | null | undefined): string {
  return `${service}\u0000${environment ?? ""}`;
}

/** Nodes and edges with keys; an edge without an environment joins nodes of the same one, else the first of the name. */
export function keyed(map: Pick<ServiceMap, "nodes" | "edges">): { nodes: Node[]; edges: Edge[] } {
  const nodes = new Map<string, Node>();
  for (const node of map.nodes) add(nodes, node);
  const edges = map.edges.flatMap((edge) => ends(nodes, edge).map(([from, to]) => ({ key: `${from}\u0000${to}`, from, to, edge })));
  return { nodes: [...nodes.values()], edges };
}

function add(nodes: Map<string, Node>, node: MapNode & Placed): Node {
  const key = nodeKey(node.service, node.environment);
  const known = nodes.get(key) ?? { ...node, key };
  nodes.set(key, known);
  return known;
}

function ends(nodes: Map<string, Node>, edge: MapEdge & Placed): [string, string][] {
  const of = (service: string) => {
    const found = [...nodes.values()].filter((node) => node.service === service && (edge.environment == null || node.environment == null || node.environment === edge.environment));
    return found.length > 0 ? found : [add(nodes, { service, external: true })];
  };
  const [callers, callees] = [of(edge.caller), of(edge.callee)];
  const same = callers.flatMap((caller) => callees.filter((callee) => callee.environment === caller.environment).map((callee): [string, string] => [caller.key, callee.key]));
  return same.length > 0 ? same : [[callers[0]!.key, callees[0]!.key]];
}
