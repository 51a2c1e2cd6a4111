// All labels, whatever the metric: their values with how many series have them now.

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { instantQuery, labelValuesQuery, type labelNamesQuery } from "../../api/prom";
import { count } from "../../lib/format";
import { Button, css as ui, CopyButton, Loaded } from "../../ui/basics";
import css from "./browser.module.css";
import shared from "./explore.module.css";
import { FacetView } from "./MetricLabels";
import { labelName, selectorOf, type Facet } from "./selector";

interface Props {
  names: ReturnType<typeof labelNamesQuery>;
  onInsert: (text: string) => void;
  onReplace: (expression: string) => void;
}

const COUNTED_MAX = 1_000;

export function AllLabels({ names, onInsert, onReplace }: Props) {
  const read = useQuery(names);
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<Record<string, string[]>>({});
  const selector = selectorOf({ values: chosen });
  const toggle = (label: string, value: string) =>
    setChosen((old) => {
      const had = old[label] ?? [];
      return { ...old, [label]: had.includes(value) ? had.filter((one) => one !== value) : [...had, value] };
    });
  return (
    <Loaded query={read} what="labels">
      {(all) => {
        const found = all.filter((name) => name !== "__name__" && name.toLowerCase().includes(text.toLowerCase()));
        return (
          <div className={css.labels}>
            <input className={ui.input} data-filter value={text} onChange={(event) => setText(event.target.value)} placeholder="Filter labels ( / )" aria-label="Filter labels" autoComplete="off" />
            {selector && (
              <div className={css.selector}>
                <code>{selector}</code>
                <div className={ui.copies}>
                  <Button small look="primary" onClick={() => onReplace(`count by (__name__) (${selector})`)}>
                    Which metrics?
                  </Button>
                  <Button small onClick={() => onInsert(selector)}>
                    Insert
                  </Button>
                  <CopyButton text={selector} />
                </div>
              </div>
            )}
            <p className={shared.quiet} role="status">
              {count(found.length)} labels
            </p>
            <div className={css.facets}>
              {found.map((name) => (
                <LabelView key={name} name={name} chosen={chosen[name] ?? []} onToggle={(value) => toggle(name, value)} />
              ))}
            </div>
          </div>
        );
      }}
    </Loaded>
  );
}

/** Its values are read when it is opened. */
function LabelView({ name, chosen, onToggle }: { name: string; chosen: string[]; onToggle: (value: string) => void }) {
  const [open, setOpen] = useState(false);
  const counts = useQuery({ ...instantQuery(`topk(${COUNTED_MAX}, count by (${labelName(name)}) ({${labelName(name)}!=""}))`), enabled: open });
  const values = useQuery({ ...labelValuesQuery(name), enabled: open && (counts.isError || counts.data?.length === 0) });
  const facet = useMemo((): Facet | undefined => {
    if (counts.data && counts.data.length > 0) return { label: name, values: counts.data.map(({ metric, value }) => ({ value: metric[name] ?? "", series: Number(value?.[1] ?? 0) })).sort((a, b) => b.series - a.series) };
    return values.data && { label: name, values: values.data.map((value) => ({ value, series: 0 })) };
  }, [counts.data, values.data, name]);
  if (open && facet) return <FacetView facet={facet} chosen={chosen} total={facet.values.reduce((sum, one) => Math.max(sum, one.series), 1)} onToggle={onToggle} />;
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <code>{name}</code> {open && <small>{values.error ? values.error.message : "…"}</small>}
      </summary>
    </details>
  );
}

