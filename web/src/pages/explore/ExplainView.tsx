// How the server evaluated a query: each piece with its time, samples and series. Pointing at one marks it in the text.

import { useMemo, type CSSProperties } from "react";
import type { PlanNode } from "../../api/prom";
import { count } from "../../lib/format";
import { css as ui, cx, Empty } from "../../ui/basics";
import shared from "./explore.module.css";
import css from "./result.module.css";
import { flatten } from "./plan";
import { utf16At, type Place } from "./problems";

interface Props {
  plan: PlanNode | undefined;
  expression: string;
  onPoint: (place: Place | null) => void;
  onSelect: (place: Place) => void;
}

export function ExplainView({ plan, expression, onPoint, onSelect }: Props) {
  const rows = useMemo(() => (plan ? flatten(plan) : []), [plan]);
  if (plan === undefined) return <Empty title="This server does not explain queries.">Its answer to <code>explain=true</code> holds no plan; a newer Evenkeel gives one.</Empty>;
  const most = { ms: Math.max(...rows.map((row) => row.selfMs), 1e-9), samples: Math.max(...rows.map((row) => row.node.samples), 1), series: Math.max(...rows.map((row) => row.node.series), 1) };
  const place = (node: PlanNode): Place => ({ from: utf16At(expression, node.start), to: utf16At(expression, node.end) });
  return (
    <div className={css.figure}>
      <p className={shared.quiet}>Time is each piece’s own, without what is below it; the whole took {ms(plan.ms)}.</p>
      <div className={ui.scroll} tabIndex={0} role="region" aria-label="Plan">
        <table className={cx(ui.table, css.plan)} onMouseLeave={() => onPoint(null)}>
          <thead>
            <tr>
              <th scope="col">Piece</th>
              <th scope="col" className={ui.num}>
                Own time
              </th>
              <th scope="col" className={ui.num}>
                Time
              </th>
              <th scope="col" className={ui.num}>
                Samples
              </th>
              <th scope="col" className={ui.num}>
                Series
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ node, depth, selfMs, path }) => (
              <tr key={path} onMouseEnter={() => onPoint(place(node))}>
                <td>
                  <button type="button" className={css.piece} style={{ "--depth": depth } as CSSProperties} onFocus={() => onPoint(place(node))} onBlur={() => onPoint(null)} onClick={() => onSelect(place(node))} title={node.text}>
                    {depth > 0 && <span aria-hidden="true">└ </span>}
                    {node.text}
                  </button>
                </td>
                <Bar share={selfMs / most.ms} text={ms(selfMs)} hot={selfMs > plan.ms * 0.5} />
                <td className={ui.num}>{ms(node.ms)}</td>
                <Bar share={node.samples / most.samples} text={count(node.samples)} />
                <Bar share={node.series / most.series} text={count(node.series)} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Bar({ share, text, hot = false }: { share: number; text: string; hot?: boolean }) {
  return (
    <td className={cx(ui.num, css.bar)}>
      <i style={{ width: `${Math.max(0, Math.min(1, share)) * 100}%` }} data-hot={hot} aria-hidden="true" />
      <span>{text}</span>
    </td>
  );
}

function ms(value: number): string {
  return value >= 100 ? `${Math.round(value)} ms` : `${Number(value.toPrecision(3))} ms`;
}
