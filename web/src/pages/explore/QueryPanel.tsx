// One query: its editor, its run, and the answer as chart, table, distribution or plan.

import { lazy, Suspense, useCallback, useEffect, useImperativeHandle, useMemo, useRef, useState, type Ref } from "react";
import { formatQuery } from "../../api/prom";
import type { Deploy } from "../../api/schema";
import type { Scope } from "../../shell/scope";
import { Button, css as ui, cx } from "../../ui/basics";
import { Icon } from "../../ui/icons";
import { toast } from "../../ui/toast";
import { ChartView } from "./ChartView";
import { DistributionView } from "./DistributionView";
import type { EditorHandle, Outside, Remark } from "./editor/types";
import { ExplainView } from "./ExplainView";
import css from "./explore.module.css";
import result from "./result.module.css";
import { seriesOf } from "./frames";
import { getPast, remember } from "./history";
import { readAnnotation, readError, type Place } from "./problems";
import { Annotations, Failure, Statistics } from "./Said";
import { Share } from "./Share";
import { autoStep, gridOf, LETTERS, UNITS, VIEWS, type Grid, type Pane, type View } from "./state";
import { StepChoice } from "./StepChoice";
import { NoResult, TableView } from "./TableView";
import { useElapsed, useRun, type Asked, type Done, type Run } from "./useRun";

const Editor = lazy(() => import("./editor/Editor").then((module) => ({ default: module.Editor })));

/** What the ghost lines show. */
export interface Before {
  seconds: number;
  word: string;
  /** Nothing is drawn before it, in Unix seconds. */
  from?: number;
}

export interface PanelHandle {
  insert: (text: string) => void;
  replace: (text: string) => void;
  focus: () => void;
}

interface Props {
  pane: Pane;
  index: number;
  alone: boolean;
  scope: Scope;
  /** When the moving end of the time was taken. */
  now: number;
  /** Another one asks again. */
  round: number;
  before: Before | undefined;
  exemplars: boolean;
  deploys: Deploy[];
  change: (change: Partial<Pane>) => void;
  onRun: (expression: string) => void;
  onRemove: () => void;
  onAdd: (expression: string) => void;
  onFocus: () => void;
  link: () => string;
  ref?: Ref<PanelHandle>;
}

const WORDS: Record<View, string> = { chart: "Chart", table: "Table", distribution: "Distribution", explain: "Explain" };
const UNIT_WORDS = { none: "plain", seconds: "seconds", bytes: "bytes", ratio: "percent" } as const;
const STATS = "all";
const CANCEL_MS = 200;

export function QueryPanel({ pane, index, alone, scope, now, round, before, exemplars, deploys, change, onRun, onRemove, onAdd, onFocus, link, ref }: Props) {
  const letter = LETTERS[index] ?? "?";
  const [draft, setDraft] = useState(pane.x);
  const [place, setPlace] = useState<Place | null>(null);
  const editor = useRef<EditorHandle>(null);
  const view: View = pane.view ?? "chart";
  const [outside, setOutside] = useState<Outside>({ text: pane.x, id: 0 });
  const write = useCallback((text: string) => {
    setDraft(text);
    setOutside((old) => ({ text, id: old.id + 1 }));
  }, []);
  // What was run here comes back by the address; by then more may have been typed.
  const ran = useRef(pane.x);
  useEffect(() => {
    if (ran.current !== pane.x) write(pane.x);
    ran.current = pane.x;
  }, [pane.x, write]);

  const step = pane.step ?? autoStep(scope.seconds);
  const grid = useMemo(() => gridOf(scope, step, now), [scope.seconds, scope.fixed?.from, scope.fixed?.to, step, now]);
  const run = useAnswer(pane, view, grid, scope, round);
  const ghost = useGhost(pane, view, grid, before);
  const running = run.status === "running";
  const elapsed = useElapsed(running, run.startedAt);

  const text = run.asked ? String(run.asked.params.query) : pane.x;
  const said = useMemo(() => (run.error ? readError(run.error.message, text) : undefined), [run.error, text]);
  const notes = useMemo(() => annotationsOf(run.done, text), [run.done, text]);
  const remarks = useMemo(() => (draft === text ? remarksOf(said, notes) : NO_REMARKS), [draft, text, said, notes]);
  const point = useCallback((next: Place | null) => setPlace(next), []);
  const select = useCallback((next: Place) => editor.current?.select(next), []);
  const pastAt = useRef(-1);

  const start = (expression = draft) => {
    if (expression.trim() === "") return;
    pastAt.current = -1;
    ran.current = expression;
    remember(expression);
    onRun(expression);
  };
  const recall = (by: -1 | 1) => {
    const past = getPast();
    pastAt.current = Math.max(-1, Math.min(past.length - 1, pastAt.current - by));
    const found = past[pastAt.current];
    if (found) write(found.x);
  };
  const format = () =>
    void formatQuery(draft).then(
      (formatted) => (formatted === null ? toast("This server does not format queries") : write(formatted)),
      (error: Error) => toast(`Not formatted: ${error.message}`),
    );
  useImperativeHandle(
    ref,
    (): PanelHandle => ({
      insert: (piece) => (editor.current ? editor.current.insert(piece) : write(draft + piece)),
      replace: (whole) => {
        write(whole);
        start(whole);
      },
      focus: () => editor.current?.focus(),
    }),
  );
  return (
    <section className={cx(ui.panel, css.query)} aria-label={`Query ${letter}`} data-query={letter} data-status={run.status} onFocus={onFocus}>
      <div className={css.queryHead}>
        <span className={css.letter} aria-hidden="true">
          {letter}
        </span>
        <div className={css.editorBox} data-error={said !== undefined && draft === text}>
          <Suspense fallback={<Plain value={draft} onChange={setDraft} onRun={start} label={`Query ${letter}`} />}>
            <Editor ref={editor} value={draft} outside={outside} onChange={setDraft} onRun={start} onHistory={recall} onFormat={format} remarks={remarks} place={place} label={`Query ${letter}`} />
          </Suspense>
        </div>
        {/* What is answered at once needs no way to stop it, and a button that flickers is none. */}
        {running && elapsed > CANCEL_MS ? (
          <Button className={css.run} onClick={run.cancel} aria-label={`Cancel query ${letter}`}>
            <Icon name="cross" size={13} /> Cancel <span className={css.elapsed}>{(elapsed / 1000).toFixed(1)} s</span>
          </Button>
        ) : (
          <Button look="primary" className={css.run} disabled={draft.trim() === ""} onClick={() => start()} aria-keyshortcuts="Control+Enter" title="Ctrl Enter">
            <Icon name="play" size={13} /> Run{draft !== pane.x && <span className="visually-hidden"> the changed query</span>}
          </Button>
        )}
        <div className={css.panelButtons}>
          <Button small look="quiet" aria-pressed={pane.off === true} onClick={() => change({ off: pane.off ? undefined : true })} aria-label={`${pane.off ? "Show" : "Hide"} query ${letter}`} title={pane.off ? "Show: run it and draw it" : "Hide: neither run nor drawn"}>
            <Icon name={pane.off ? "hidden" : "eye"} size={14} />
          </Button>
          {!alone && (
            <Button small look="quiet" onClick={onRemove} aria-label={`Remove query ${letter}`} title="Remove">
              <Icon name="cross" size={13} />
            </Button>
          )}
        </div>
      </div>
      <div className={css.tools}>
        <div className={css.tabs} role="group" aria-label={`How query ${letter} is shown`}>
          {VIEWS.map((name) => (
            <button key={name} type="button" aria-pressed={view === name} onClick={() => change({ view: name === "chart" ? undefined : name })}>
              {WORDS[name]}
            </button>
          ))}
        </div>
        {view !== "table" && <StepChoice step={pane.step} auto={autoStep(scope.seconds)} onChange={(next) => change({ step: next })} />}
        {(view === "chart" || view === "distribution") && (
          <label className={css.choice}>
            <span className="visually-hidden">Unit</span>
            <select value={pane.unit ?? ""} onChange={(event) => change({ unit: UNITS.find((unit) => unit === event.target.value) })}>
              <option value="">unit: auto</option>
              {UNITS.map((unit) => (
                <option key={unit} value={unit}>
                  {UNIT_WORDS[unit]}
                </option>
              ))}
            </select>
          </label>
        )}
        {view === "chart" && (
          <>
            <Button small look="quiet" aria-pressed={pane.stack === true} onClick={() => change({ stack: pane.stack ? undefined : true })}>
              Stacked
            </Button>
            <Button small look="quiet" aria-pressed={pane.log === true} onClick={() => change({ log: pane.log ? undefined : true })}>
              Log
            </Button>
          </>
        )}
        <span className={css.grow} />
        <Button small look="quiet" onClick={format} disabled={draft.trim() === ""} title="Shift Alt F" aria-keyshortcuts="Shift+Alt+F">
          Format
        </Button>
        {run.asked && <Share asked={run.asked} expression={text} letter={letter} link={link} />}
      </div>
      {said && run.error && <Failure error={run.error} said={said} onPoint={point} onSelect={select} onRetry={() => start(text)} />}
      <Annotations {...notes} onPoint={point} onSelect={select} />
      {pane.off ? (
        <p className={css.quiet}>Hidden: it is neither run nor drawn.</p>
      ) : (
        <Result run={run} ghost={ghost} view={view} grid={grid} pane={pane} change={change} scope={scope} deploys={deploys} exemplars={exemplars} letter={letter} onAdd={onAdd} onPoint={point} onSelect={select} onRetry={() => start(text)} />
      )}
      {run.done && !pane.off && <Statistics done={run.done} step={view === "table" ? undefined : step} />}
    </section>
  );
}

const NO_REMARKS: readonly Remark[] = [];

function useAnswer(pane: Pane, view: View, grid: Grid, scope: Scope, round: number): Run {
  const off = pane.off === true || pane.x.trim() === "";
  const path = view === "table" ? "query" : "query_range";
  const end = scope.fixed ? scope.fixed.to / 1000 : grid.end;
  const explain = view === "explain" ? true : undefined;
  const key = off ? "" : JSON.stringify([pane.x, path, explain, path === "query" ? end : grid, round]);
  const ask = (): Asked => ({ path, params: { query: pane.x, ...(path === "query" ? { time: end } : { start: grid.start, end: grid.end, step: grid.step }), stats: STATS, explain } });
  return useRun(key, `${pane.x} ${path} ${String(explain)}`, ask);
}

interface GhostRun {
  run: Run;
  offset: number;
  word: string;
}

function useGhost(pane: Pane, view: View, grid: Grid, before: Before | undefined): GhostRun {
  const wanted = before !== undefined && view === "chart" && !pane.off && pane.x.trim() !== "" && !pane.stack;
  // A whole number of steps, so that both lie on one grid.
  const offset = before ? Math.max(1, Math.round(before.seconds / grid.step)) * grid.step : 0;
  const start = Math.max(grid.start, Math.floor((before?.from ?? 0) / grid.step) * grid.step) - offset;
  const params = { query: pane.x, start, end: grid.end - offset, step: grid.step };
  const run = useRun(wanted && params.end >= start ? JSON.stringify(params) : "", pane.x, () => ({ path: "query_range", params }));
  return { run, offset, word: before?.word ?? "" };
}

type Notes = Pick<Parameters<typeof Annotations>[0], "warnings" | "infos">;

function annotationsOf(done: Done | undefined, text: string): Notes {
  const read = (all: string[]) => all.map((one) => ({ ...readAnnotation(one, text), text: one }));
  return { warnings: read(done?.answer.warnings ?? []), infos: read(done?.answer.infos ?? []) };
}

function remarksOf(said: ReturnType<typeof readError> | undefined, { warnings, infos }: Notes): readonly Remark[] {
  const found: Remark[] = [];
  if (said?.place) found.push({ place: said.place, message: said.hint ? `${said.message}. ${said.hint}` : said.message, severity: "error" });
  for (const one of warnings) if (one.place) found.push({ place: one.place, message: one.message, severity: "warning" });
  for (const one of infos) if (one.place) found.push({ place: one.place, message: one.message, severity: "info" });
  return found;
}

/** Until the editor is loaded one can type already. */
function Plain({ value, onChange, onRun, label }: { value: string; onChange: (value: string) => void; onRun: (text: string) => void; label: string }) {
  return (
    <textarea
      className={css.plain}
      rows={1}
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        onRun(event.currentTarget.value);
      }}
    />
  );
}

interface ResultProps extends Pick<Props, "pane" | "change" | "scope" | "deploys" | "exemplars" | "onAdd"> {
  run: Run;
  ghost: GhostRun;
  view: View;
  grid: Grid;
  letter: string;
  onPoint: (place: Place | null) => void;
  onSelect: (place: Place) => void;
  onRetry: () => void;
}

function Result({ run, ghost, view, grid, pane, change, scope, deploys, exemplars, letter, onAdd, onPoint, onSelect, onRetry }: ResultProps) {
  const { done, status } = run;
  const data = done?.answer.data;
  const items = useMemo(() => (data ? seriesOf(data) : []), [data]);
  // The answer stands on the grid that it was asked for, also while the next one is awaited.
  const own = useMemo((): Grid => {
    const params = done?.asked.params;
    return params && typeof params.start === "number" ? { start: params.start, end: Number(params.end), step: Number(params.step) } : grid;
  }, [done, grid]);
  const before = useMemo(() => (ghost.run.done ? { items: seriesOf(ghost.run.done.answer.data), offset: ghost.offset, word: ghost.word } : undefined), [ghost.run.done, ghost.offset, ghost.word]);
  if (status === "failed") return null;
  if (status === "cancelled" && done === undefined)
    return (
      <div className={ui.empty}>
        <strong>Cancelled.</strong>
        <Button small onClick={onRetry}>
          Run it again
        </Button>
      </div>
    );
  if (done === undefined || data === undefined) return status === "running" ? <div className={result.waiting} role="status" aria-label="Loading the answer" /> : null;
  const body = () => {
    if (view === "explain") return <ExplainView plan={data.explain} expression={String(done.asked.params.query)} onPoint={onPoint} onSelect={onSelect} />;
    if (view === "table") return <TableView data={data} pane={pane} change={change} onAdd={onAdd} />;
    if (items.length === 0) return <NoResult />;
    const histograms = items.every((item) => (item.values?.length ?? 0) === 0);
    if (view === "distribution" || histograms) return <DistributionView items={items} grid={own} pane={pane} scope={scope} letter={letter} />;
    return <ChartView items={items} before={before} grid={own} pane={pane} change={change} scope={scope} deploys={deploys} exemplars={exemplars} letter={letter} />;
  };
  return (
    <div className={result.result} data-stale={status === "running"} aria-busy={status === "running"}>
      {ghost.word !== "" && pane.stack && view === "chart" && <p className={css.quiet}>A stack is not compared: heights that are added up have no before of their own.</p>}
      {ghost.run.error && <p className={css.quiet}>The time before could not be read: {ghost.run.error.message}</p>}
      {body()}
    </div>
  );
}

