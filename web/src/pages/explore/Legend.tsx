// The drawn series by name with their values: a click on a name draws that one alone, one on its sign takes it away.

import { useState } from "react";
import { cx, css as ui } from "../../ui/basics";
import css from "./result.module.css";
import type { Frame } from "./frames";
import type { Format } from "./units";

export interface Entry {
  frame: Frame;
  color: string;
  hidden: boolean;
  ghost: (number | null)[] | undefined;
}

interface Props {
  entries: Entry[];
  /** The labels whose values are the names. */
  keys: string[] | undefined;
  format: Format;
  /** The point under the crosshair; null: the last one. */
  index: number | null;
  only: string | undefined;
  compared: boolean;
  onToggle: (short: string) => void;
  onOnly: (short: string | undefined) => void;
  onFocus: (key: string | undefined) => void;
}

export function Legend({ entries, keys, format, index, only, compared, onToggle, onOnly, onFocus }: Props) {
  const [more, setMore] = useState(false);
  const shown = more ? entries : entries.slice(0, ROWS);
  return (
    <div className={css.legend} role="region" aria-label="Series" tabIndex={0} onMouseLeave={() => onFocus(undefined)}>
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">Drawn</span>
            </th>
            <th scope="col">{keys ? keys.map((key) => (key === "__name__" ? "metric" : key)).join(" · ") : "Series"}</th>
            <th scope="col">{index === null ? "Last" : "Here"}</th>
            {compared && <th scope="col">Before</th>}
            <th scope="col">Min</th>
            <th scope="col">Mean</th>
            <th scope="col">Max</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ frame, color, hidden, ghost }) => {
            const value = index === null ? frame.last : frame.values[index];
            return (
              <tr key={frame.key} data-off={hidden} onMouseEnter={() => onFocus(hidden ? undefined : frame.key)}>
                <td>
                  <button type="button" className={css.sign} role="switch" aria-checked={!hidden} aria-label={`Draw ${frame.fullName}`} onClick={() => onToggle(frame.short)} onFocus={() => onFocus(frame.key)} onBlur={() => onFocus(undefined)}>
                    <i style={{ background: hidden ? "transparent" : `var(${color})`, borderColor: `var(${color})` }} />
                  </button>
                </td>
                <td>
                  <button type="button" className={css.seriesName} aria-pressed={only === frame.short} title={`${frame.fullName}\nClick: this one alone`} onClick={(event) => (event.ctrlKey || event.metaKey || event.shiftKey ? onToggle(frame.short) : onOnly(only === frame.short ? undefined : frame.short))}>
                    {frame.name}
                  </button>
                </td>
                <td className={cx(ui.num, ui.strong)}>{format(value)}</td>
                {compared && <td className={ui.num}>{format(index === null ? lastOf(ghost) : ghost?.[index])}</td>}
                <td className={ui.num}>{format(frame.min)}</td>
                <td className={ui.num}>{format(frame.mean)}</td>
                <td className={ui.num}>{format(frame.max)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {entries.length > ROWS && (
        <button type="button" className={css.more} onClick={() => setMore(!more)}>
          {more ? "Fewer" : `${entries.length - ROWS} more series are drawn`}
        </button>
      )}
    </div>
  );
}

const ROWS = 40;

function lastOf(values: (number | null)[] | undefined): number | null {
  return values?.findLast((value) => value !== null) ?? null;
}
