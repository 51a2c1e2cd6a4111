// The browser beside the queries: metrics with type, unit and help; and of a metric, its labels and values with counts.

import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useMemo, useState } from "react";
import { metadataQuery, metricNamesQuery, labelNamesQuery } from "../../api/prom";
import { count } from "../../lib/format";
import { Button, css as ui, Loaded } from "../../ui/basics";
import { Icon } from "../../ui/icons";
import { Cut } from "./Cut";
import css from "./browser.module.css";
import shared from "./explore.module.css";
import { AllLabels } from "./AllLabels";
import { MetricLabels } from "./MetricLabels";
import { describe, findMetrics } from "./search";
import { VirtualList } from "./VirtualList";

interface Props {
  metric: string | undefined;
  window: { from: number; to: number };
  onMetric: (metric: string | undefined) => void;
  onInsert: (text: string) => void;
  onReplace: (expression: string) => void;
  onClose: () => void;
}

export function Browser({ metric, window, onMetric, onInsert, onReplace, onClose }: Props) {
  const [tab, setTab] = useState<"metrics" | "labels">("metrics");
  return (
    <aside className={css.browser} aria-label="Metrics and labels">
      <div className={css.browserHead}>
        {metric === undefined ? (
          <div className={shared.tabs} role="group" aria-label="What is browsed">
            <button type="button" aria-pressed={tab === "metrics"} onClick={() => setTab("metrics")}>
              Metrics
            </button>
            <button type="button" aria-pressed={tab === "labels"} onClick={() => setTab("labels")}>
              Labels
            </button>
          </div>
        ) : (
          <Button small look="quiet" onClick={() => onMetric(undefined)}>
            ← All metrics
          </Button>
        )}
        <span className={shared.grow} />
        <Button small look="quiet" onClick={onClose} aria-label="Close the browser of metrics and labels">
          <Icon name="cross" size={13} />
        </Button>
      </div>
      {metric !== undefined ? <MetricLabels key={metric} metric={metric} window={window} onInsert={onInsert} onReplace={onReplace} /> : tab === "metrics" ? <Metrics onInsert={onInsert} onMetric={onMetric} /> : <AllLabels names={labelNamesQuery()} onInsert={onInsert} onReplace={onReplace} />}
    </aside>
  );
}

const ROW_PX = 46;
const LIST = "explore-metrics";

function Metrics({ onInsert, onMetric }: Pick<Props, "onInsert"> & { onMetric: (metric: string) => void }) {
  const names = useQuery(metricNamesQuery);
  const metadata = useQuery(metadataQuery).data;
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const wanted = useDeferredValue(text);
  const found = useMemo(() => findMetrics(names.data ?? [], wanted, metadata), [names.data, wanted, metadata]);
  const at = Math.min(active, found.length - 1);
  // Whoever types and presses Enter at once means what was typed, not what the list still shows.
  const marked = () => (wanted === text ? found : findMetrics(names.data ?? [], text, metadata))[Math.max(0, at)];
  const keys: Record<string, () => void> = {
    ArrowDown: () => setActive(Math.min(found.length - 1, at + 1)),
    ArrowUp: () => setActive(Math.max(0, at - 1)),
    PageDown: () => setActive(Math.min(found.length - 1, at + 10)),
    PageUp: () => setActive(Math.max(0, at - 10)),
    Enter: () => {
      const name = marked();
      if (name !== undefined) onInsert(name);
    },
  };
  return (
    <Loaded query={names} what="metrics">
      {(all) =>
        all.length === 0 ? (
          <div className={ui.empty}>
            <strong>No metric is stored yet.</strong>
            <p>The page Connect shows how to send some.</p>
          </div>
        ) : (
          <>
            <input
              className={ui.input}
              data-filter
              role="combobox"
              aria-expanded="true"
              aria-controls={LIST}
              aria-activedescendant={at >= 0 ? `${LIST}-${at}` : undefined}
              aria-label="Search metrics by name or help"
              placeholder="Search metrics ( / )"
              autoComplete="off"
              value={text}
              onChange={(event) => {
                setText(event.target.value);
                setActive(0);
              }}
              onKeyDown={(event) => {
                const { value, selectionStart } = event.currentTarget;
                if (event.key === "ArrowRight" && selectionStart === value.length) {
                  event.preventDefault();
                  const name = marked();
                  if (name !== undefined) onMetric(name);
                  return;
                }
                const run = keys[event.key];
                if (run === undefined || event.ctrlKey || event.metaKey) return;
                event.preventDefault();
                run();
              }}
            />
            <p className={shared.quiet} role="status">
              {text === "" ? `${count(all.length)} metrics` : `${count(found.length)} of ${count(all.length)}`} · <kbd>Enter</kbd> inserts · <kbd>→</kbd> labels
              {metadata === null && " · this server keeps no types and helps"}
            </p>
            <VirtualList
              id={LIST}
              label="Metrics"
              items={found}
              rowPx={ROW_PX}
              active={at}
              onActive={setActive}
              onPick={onInsert}
              render={(name) => {
                const { type, unit, help } = describe(name, metadata);
                return (
                  <span className={css.metric} title={help ? `${name}\n${help}` : name}>
                    <span>
                      <code>
                        <Cut text={name} />
                      </code>
                      <small>
                        {type && <b data-type={type}>{type}</b>}
                        {unit && <b>{unit}</b>}
                        {help ?? ""}
                      </small>
                    </span>
{/* For the pointer; the keyboard has →, and a button within an option is none. */}
                    <span
                      className={css.open}
                      aria-hidden="true"
                      data-labels={name}
                      onClick={(event) => {
                        event.stopPropagation();
                        onMetric(name);
                      }}
                      title={`Labels of ${name}`}
                    >
                      ›
                    </span>
                  </span>
                );
              }}
            />
          </>
        )
      }
    </Loaded>
  );
}
