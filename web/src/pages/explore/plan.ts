// A plan as rows.

import type { PlanNode } from "../../api/prom";

export interface PlanRow {
  node: PlanNode;
  depth: number;
  /** Without what is below it; pieces that ran side by side may take more than the whole. */
  selfMs: number;
  path: string;
}

const ROWS_MAX = 500;

export function flatten(root: PlanNode): PlanRow[] {
  const rows: PlanRow[] = [];
  const visit = (node: PlanNode, depth: number, path: string) => {
    if (rows.length >= ROWS_MAX) return;
    const below = (node.children ?? []).reduce((sum, child) => sum + child.ms, 0);
    rows.push({ node, depth, selfMs: Math.max(0, node.ms - below), path });
    (node.children ?? []).forEach((child, i) => visit(child, depth + 1, `${path}.${i}`));
  };
  visit(root, 0, "0");
  return rows;
}
