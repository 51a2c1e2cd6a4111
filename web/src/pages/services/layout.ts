// Where the map's nodes and edges lie: dagre, left to right, callers first.

import { graphlib, layout } from "@dagrejs/dagre";
import type { ServiceMap } from "../../api/schema";

export const NODE = { width: 178, height: 52 };

export interface Placed {
  width: number;
  height: number;
  nodes: Map<string, { x: number; y: number }>;
  edges: Map<string, { x: number; y: number }[]>;
}

export function edgeKey(edge: { caller: string; callee: string }): string {
  return `${edge.caller}\u0000${edge.callee}`;
}

/** The same services and calls give the same picture, in whatever order they come. */
export function place(map: Pick<ServiceMap, "nodes" | "edges">): Placed {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 26, ranksep: 100, marginx: 6, marginy: 6 });
  graph.setDefaultEdgeLabel(() => ({}));
  const names = new Set([...map.nodes.map((node) => node.service), ...map.edges.flatMap((edge) => [edge.caller, edge.callee])]);
  for (const name of [...names].sort()) graph.setNode(name, { ...NODE });
  const keys = map.edges.filter((edge) => edge.caller !== edge.callee).sort((a, b) => (edgeKey(a) < edgeKey(b) ? -1 : 1));
  for (const edge of keys) graph.setEdge(edge.caller, edge.callee);
  layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.max(size.width ?? 0, NODE.width),
    height: Math.max(size.height ?? 0, NODE.height),
    nodes: new Map([...names].map((name) => [name, graph.node(name) as { x: number; y: number }])),
    edges: new Map(keys.map((edge) => [edgeKey(edge), (graph.edge(edge.caller, edge.callee) as { points: { x: number; y: number }[] }).points])),
  };
}
