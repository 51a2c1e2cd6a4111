// The map as a drawing; the tables beside it say the same.

import { useMemo } from "react";
import type { ServiceMap } from "../../api/schema";
import { count, percent, word } from "../../lib/format";
import { cx } from "../../ui/basics";
import { NODE, place } from "./layout";
import { keyed, type Node } from "./nodes";
import css from "./services.module.css";

/** From this share of failed calls an edge is drawn as bad. */
const BAD_RATIO = 0.01;

interface Props {
  map: ServiceMap;
  focus: string | undefined;
  onOpen: (service: string, environment: string | null | undefined) => void;
}

export function MapView({ map, focus, onOpen }: Props) {
  const { nodes, edges } = useMemo(() => keyed(map), [map]);
  const shape = JSON.stringify([nodes.map((node) => node.key).sort(), edges.map((edge) => edge.key).sort()]);
  // New numbers on the same calls must not move anything.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const placed = useMemo(() => place({ nodes, edges }), [shape]);
  const centre = new Set(nodes.filter((node) => node.service === focus).map((node) => node.key));
  const near = new Set(edges.filter((edge) => centre.has(edge.from) || centre.has(edge.to)).flatMap((edge) => [edge.from, edge.to]));
  const faded = (key: string) => focus !== undefined && !centre.has(key) && !near.has(key);
  // The environment is only told where there are several.
  const told = new Set(nodes.map((node) => node.environment ?? "")).size > 1;
  return (
    <div className={css.map} tabIndex={0} role="region" aria-label="Service map">
      <svg width={placed.width} height={placed.height} viewBox={`0 0 ${placed.width} ${placed.height}`} role="group" aria-label={`${nodes.length} services and ${edges.length} calls; the tables below have the same`}>
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">
            <path d="M0 0 8 4 0 8Z" fill="var(--line-strong)" />
          </marker>
        </defs>
        {edges.map(({ key, from, to, edge }) => {
          const points = placed.edges.get(key);
          if (points === undefined) return null;
          const bad = edge.requests.error_ratio >= BAD_RATIO;
          const middle = points[Math.floor(points.length / 2)]!;
          const path = `M${points.map((point) => `${point.x} ${point.y}`).join("L")}`;
          return (
            <g key={key} className={cx((faded(from) || faded(to)) && css.faded)}>
              <path className={cx(css.edge, bad && css.edgeBad)} d={path} strokeWidth={Math.min(4, 1 + Math.log10(1 + edge.requests.per_second))} strokeDasharray={bad ? "6 3" : undefined} markerEnd="url(#arrow)" />
              <text className={css.edgeLabel} x={middle.x} y={middle.y - 5} textAnchor="middle">
                {count(Math.round(edge.requests.per_second * 10) / 10)}/s{bad ? ` · ${percent(edge.requests.error_ratio)} bad` : ""}
              </text>
            </g>
          );
        })}
        {nodes.map((node) => {
          const at = placed.nodes.get(node.key);
          return at && <NodeBox key={node.key} node={node} x={at.x} y={at.y} faded={faded(node.key)} told={told} onOpen={onOpen} />;
        })}
      </svg>
    </div>
  );
}

interface BoxProps {
  node: Node;
  x: number;
  y: number;
  faded: boolean;
  told: boolean;
  onOpen: Props["onOpen"];
}

function NodeBox({ node, x, y, faded, told, onOpen }: BoxProps) {
  const name = told && node.environment ? `${node.service} · ${node.environment}` : node.service;
  const state = node.external ? "not instrumented" : node.slo_state ? word(node.slo_state) : "no SLO";
  const numbers = node.requests ? `${count(Math.round(node.requests.per_second))}/s, ${percent(node.requests.error_ratio)} bad` : "no telemetry";
  return (
    <g
      className={cx(css.node, faded && css.faded)}
      data-state={node.slo_state ?? undefined}
      transform={`translate(${x - NODE.width / 2} ${y - NODE.height / 2})`}
      role="button"
      tabIndex={0}
      aria-label={`${name}: ${state}, ${numbers}`}
      onClick={() => onOpen(node.service, node.environment)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        onOpen(node.service, node.environment);
      }}
    >
      <rect width={NODE.width} height={NODE.height} rx={7} strokeDasharray={node.external ? "4 3" : undefined} />
      <rect className={css.bar} x={0} y={8} width={4} height={NODE.height - 16} rx={2} />
      <text x={14} y={21}>
        {name}
      </text>
      <text x={14} y={39} className={css.small}>
        {node.slo_state === "ok" ? numbers : node.requests && !node.external ? `${state} · ${percent(node.requests.error_ratio)} bad` : state}
      </text>
    </g>
  );
}
