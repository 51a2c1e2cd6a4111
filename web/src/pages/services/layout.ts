// Where the map's nodes and edges lie: dagre, left to right, callers first.

import { graphlib, layout } from "@dagrejs/dagre";

export const NODE = { width: 200, height: 52 };

export interface Placed {
  width: number;
  height: number;
  nodes: Map<string, { x: number; y: number }>;
  edges: Map<string, { x: number; y: number }[]>;
}

interface Shape {
  nodes: { key: string }[];
  edges: { key: string; from: string; to: string }[];
}

/** The same services and calls give the same picture, in whatever order they come. */
export function place({ nodes, edges }: Shape): Placed {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 26, ranksep: 100, marginx: 6, marginy: 6 });
  graph.setDefaultEdgeLabel(() => ({}));
  const names = new Set([...nodes.map((node) => node.key), ...edges.flatMap((edge) => [edge.from, edge.to])]);
  for (const name of [...names].sort()) graph.setNode(name, { ...NODE });
  const lines = edges.filter((edge) => edge.from !== edge.to).sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const edge of lines) graph.setEdge(edge.from, edge.to);
  layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.max(size.width ?? 0, NODE.width),
    height: Math.max(size.height ?? 0, NODE.height),
    nodes: new Map([...names].map((name) => [name, graph.node(name) as { x: number; y: number }])),
    edges: new Map(lines.map((edge) => [edge.key, (graph.edge(edge.from, edge.to) as { points: { x: number; y: number }[] }).points])),
  };
}
