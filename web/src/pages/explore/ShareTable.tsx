// Names with a number each, and the share that it is of all.

import { Link } from "@tanstack/react-router";
import { count, percent } from "../../lib/format";
import { Button, buttonClass, css as ui, cx, Panel } from "../../ui/basics";
import { Icon } from "../../ui/icons";
import { Cut } from "./Cut";
import css from "./cardinality.module.css";
import shared from "./explore.module.css";

export interface ShareRow {
  name: string;
  value: number;
  /** Looks at the series behind it. */
  focus: (() => void) | undefined;
  /** What Explore is opened with. */
  query: string;
}

interface Props {
  title: string;
  unit: string;
  rows: ShareRow[];
  /** What the whole is; without one, bars are drawn against the largest. */
  total?: number | undefined;
  format?: (value: number) => string;
  note?: string | undefined;
}

export function ShareTable({ title, unit, rows, total, format = count, note }: Props) {
  const most = rows.reduce((max, row) => Math.max(max, row.value), 1);
  const whole = total && total > 0 ? total : undefined;
  return (
    <Panel title={title} note={note}>
      {rows.length === 0 ? (
        <p className={shared.quiet}>none</p>
      ) : (
        <div className={ui.scroll} tabIndex={0} role="region" aria-label={title}>
          <table className={cx(ui.table, css.shares)}>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col" className={ui.num}>
                  {unit}
                </th>
                <th scope="col">{whole ? "Share" : "Beside the largest"}</th>
                <th scope="col">
                  <span className="visually-hidden">Explore</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ name, value, focus, query }) => {
                const share = value / (whole ?? most);
                return (
                  <tr key={name}>
                    <td className={ui.mono}>
                      {focus ? (
                        <Button small look="quiet" className={css.shareName} onClick={focus} title={`${name}\nFocus on it`} data-row>
                          <Cut text={name || "(empty)"} />
                        </Button>
                      ) : (
                        <span className={css.shareName} title={name}>
                          <Cut text={name || "(empty)"} />
                        </span>
                      )}
                    </td>
                    <td className={ui.num}>{format(value)}</td>
                    <td>
                      <span className={css.gauge} role="img" aria-label={percent(share, 1)}>
                        <i style={{ width: `${Math.min(100, share * 100)}%` }} />
                      </span>
                      {whole && <small className={ui.muted}> {percent(share, 1)}</small>}
                    </td>
                    <td className={ui.num}>
                      <Link to="/explore" search={{ v: 1, panes: [{ x: query, view: "table" }] }} className={buttonClass("quiet", true)} aria-label={`Explore ${name}`} title="Explore">
                        <Icon name="explore" size={14} />
                      </Link>
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
