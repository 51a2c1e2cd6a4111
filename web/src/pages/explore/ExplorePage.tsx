// Explore: queries beside each other over one time, with a browser of metrics and labels. The address holds all of it.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { isPaused } from "../../api/live";
import { deploysQuery } from "../../api/queries";
import type { Deploy } from "../../api/schema";
import { toggleFullScreen } from "../../chart/TimeSeries";
import { clock } from "../../lib/format";
import { frozen } from "../../lib/link";
import { rangeSeconds } from "../../lib/range";
import { useShortcut } from "../../shell/keys";
import { endsOf, useScope, useTitle, type Scope } from "../../shell/scope";
import { usePrefs } from "../../prefs";
import { Button, buttonClass, css as ui, cx } from "../../ui/basics";
import { Icon } from "../../ui/icons";
import { Browser } from "./Browser";
import css from "./explore.module.css";
import { HistoryMenu } from "./HistoryMenu";
import { OverviewStrip } from "./OverviewStrip";
import { QueryPanel, type Before, type PanelHandle } from "./QueryPanel";
import { keepView, keptView, LETTERS, PANES_MAX, REFRESHES, type ExploreSearch, type Ghost, type Pane } from "./state";
import { Welcome } from "./Welcome";

const route = getRouteApi("/explore");
const WIDE = "(min-width: 1180px)";
const WEEK_S = 604_800;
const FIRST: Pane[] = [{ x: "" }];

export function ExplorePage() {
  useTitle("Explore");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const scope = useScope();
  const panes = search.panes ?? FIRST;
  /** Asking again is asking, also when nothing else has changed. */
  const [round, setRound] = useState(0);
  // One moment for all queries; it moves when they are asked again and when another time is shown.
  const now = useMemo(() => Date.now(), [round, scope.range, scope.fixed?.from, scope.fixed?.to]);
  const [focused, setFocused] = useState(0);
  const [wide] = useState(() => matchMedia(WIDE).matches);
  const open = search.browse === undefined ? wide : search.browse === "open";
  const handles = useRef<(PanelHandle | null)[]>([]);
  const ids = useIds(panes.length);
  const set = (change: ExploreSearch, replace = false) => void navigate({ search: (old) => ({ ...old, ...change, v: 1 as const }), resetScroll: false, replace });
  const setPanes = (next: Pane[]) => set({ panes: next });
  const at = Math.min(focused, panes.length - 1);

  useKept(search, (kept) => set(kept, true));
  useRefresh(search.every, scope, () => setRound((old) => old + 1));
  useShortcut("f", toggleFullScreen);
  useShortcut("e", () => handles.current[at]?.focus());

  const deploys = useQuery(deploysQuery({ service: scope.service, env: scope.env })).data?.items ?? NO_DEPLOYS;
  const before = useMemo(() => beforeOf(scope, search, deploys, now), [scope.compare, scope.seconds, scope.fixed?.from, scope.fixed?.to, search.ghost, search.since, deploys, now]);
  const change = (index: number, part: Partial<Pane>) => setPanes(panes.map((pane, i) => (i === index ? clean({ ...pane, ...part }) : pane)));
  const add = (x = "") => {
    if (panes.length >= PANES_MAX) return;
    setPanes([...panes, { x }]);
    setFocused(panes.length);
  };
  const run = (index: number, x: string) => {
    setRound((old) => old + 1);
    // The choice of series goes with the query that it was made in.
    if (x !== panes[index]?.x) change(index, { x, hide: undefined, only: undefined, most: undefined, sort: undefined, off: undefined });
  };
  const link = () => (scope.fixed ? location.href : frozen(location.href, rangeSeconds(scope.range), now));
  const first = panes.find((pane) => pane.x.trim() !== "" && !pane.off);
  const empty = panes.every((pane) => pane.x.trim() === "");
  const window = endsOf(scope, now);
  return (
    <main className={cx(ui.page, css.page)} id="main" tabIndex={-1} data-timed>
      <div className={ui.pageHead}>
        <h1>Explore</h1>
        <span className={ui.grow} />
        <div className={css.headTools}>
          <Button small aria-pressed={open} onClick={() => set({ browse: open ? "closed" : "open" })}>
            <Icon name="rail" size={13} /> Browse
          </Button>
          <CompareChoice scope={scope} search={search} deploys={deploys} now={now} />
          <Button small aria-pressed={search.ex === true} onClick={() => set({ ex: search.ex ? undefined : true })}>
            ◇ Exemplars
          </Button>
          <label className={css.choice}>
            <span>Refresh</span>
            <select value={search.every ?? ""} disabled={scope.fixed !== undefined} title={scope.fixed ? "The time shown stands still" : undefined} onChange={(event) => set({ every: REFRESHES.find((one) => String(one) === event.target.value) })}>
              <option value="">off</option>
              {REFRESHES.map((one) => (
                <option key={one} value={one}>
                  {one < 60 ? `${one} s` : `${one / 60} min`}
                </option>
              ))}
            </select>
          </label>
          <HistoryMenu onPick={(x) => handles.current[at]?.replace(x)} />
          <Link to="/explore/cardinality" className={buttonClass("plain", true)}>
            Cardinality
          </Link>
        </div>
      </div>
      {before && "missing" in before && <p className={css.quiet}>{before.missing}</p>}
      <div className={css.layout} data-browser={open}>
        {open && (
          <Browser
            metric={search.metric}
            window={window}
            onMetric={(metric) => set({ metric })}
            onInsert={(text) => ((panes[at]?.x ?? "") === "" && empty ? handles.current[at]?.replace(text) : handles.current[at]?.insert(text))}
            onReplace={(x) => handles.current[at]?.replace(x)}
            onClose={() => set({ browse: "closed" })}
          />
        )}
        <div className={css.queries}>
          {first && <OverviewStrip expression={first.x} scope={scope} now={now} />}
          {panes.map((pane, index) => (
            <QueryPanel
              key={ids.of[index]}
              ref={(handle) => {
                handles.current[index] = handle;
              }}
              pane={pane}
              index={index}
              alone={panes.length === 1}
              scope={scope}
              now={now}
              round={round}
              before={before && "seconds" in before ? before : undefined}
              exemplars={search.ex === true}
              deploys={deploys}
              change={(part) => change(index, part)}
              onRun={(x) => run(index, x)}
              onRemove={() => {
                ids.remove(index);
                setPanes(panes.filter((_, i) => i !== index));
              }}
              onAdd={add}
              onFocus={() => setFocused(index)}
              link={link}
            />
          ))}
          {empty && <Welcome onPick={(x) => handles.current[at]?.replace(x)} />}
          {!empty && (
            <div>
              <Button onClick={() => add()} disabled={panes.length >= PANES_MAX}>
                <Icon name="plus" size={13} /> Add query {LETTERS[panes.length] ?? ""}
              </Button>
            </div>
          )}
        </div>
      </div>
    </main>
  );
}

const NO_DEPLOYS: Deploy[] = [];

function clean(pane: Pane): Pane {
  return Object.fromEntries(Object.entries(pane).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))) as unknown as Pane;
}

/** Each query keeps its editor when one before it is removed. */
function useIds(length: number) {
  const next = useRef(0);
  const of = useRef<number[]>([]);
  while (of.current.length < length) of.current.push(next.current++);
  of.current.length = length;
  return { of: of.current, remove: (index: number) => void of.current.splice(index, 1) };
}

/** What was looked at last comes back when the address names no query. */
function useKept(search: ExploreSearch, restore: (kept: ExploreSearch) => void): void {
  const { panes, ghost, ex, every } = search;
  useEffect(() => {
    if (panes !== undefined) {
      keepView({ panes, ghost, ex, every });
      return;
    }
    const kept = keptView();
    if (kept) restore(kept);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [panes, ghost, ex, every]);
}

/** Runs again by the clock, while somebody looks and the time moves. */
function useRefresh(every: number | undefined, { fixed }: Scope, run: () => void): void {
  const latest = useRef(run);
  latest.current = run;
  const still = fixed !== undefined;
  useEffect(() => {
    if (every === undefined || still) return;
    const timer = setInterval(() => {
      if (!document.hidden && !isPaused()) latest.current();
    }, every * 1000);
    return () => clearInterval(timer);
  }, [every, still]);
}

/** The deploys in the time shown, the newest first. */
function deploysIn(deploys: Deploy[], { from, to }: { from: number; to: number }): Deploy[] {
  return deploys.filter((deploy) => Date.parse(deploy.started_at) > from && Date.parse(deploy.started_at) < to);
}

function beforeOf(scope: Scope, { ghost, since }: ExploreSearch, deploys: Deploy[], now: number): Before | { missing: string } | undefined {
  if (scope.compare) return { seconds: scope.seconds, word: "the period before" };
  if (ghost === "week") return { seconds: WEEK_S, word: "a week before" };
  if (ghost !== "deploy") return undefined;
  const window = endsOf(scope, now);
  const found = deploysIn(deploys, window);
  const meant = found.find((deploy) => deploy.id === since) ?? found[0];
  if (meant === undefined) return { missing: "No deploy lies in this time, so there is nothing before it to compare with." };
  const at = Date.parse(meant.started_at);
  return { seconds: (window.to - at) / 1000, from: at / 1000, word: `before ${meant.service} ${meant.version}` };
}

const GHOST_WORDS: Record<Ghost, string> = { before: "period before", week: "a week before", deploy: "before the last deploy" };
const DEPLOYS_LISTED = 8;

function CompareChoice({ scope, search, deploys, now }: { scope: Scope; search: ExploreSearch; deploys: Deploy[]; now: number }) {
  const navigate = route.useNavigate();
  const { zone } = usePrefs();
  const found = deploysIn(deploys, endsOf(scope, now)).slice(0, DEPLOYS_LISTED);
  const value = scope.compare ? "before" : search.ghost === "deploy" && found.some((deploy) => deploy.id === search.since) ? search.since : (search.ghost ?? "");
  const choose = (next: string) => {
    const ghost = next === "week" ? "week" : next === "deploy" || next.startsWith("dpl_") ? "deploy" : undefined;
    void navigate({ search: (old) => ({ ...old, compare: next === "before" ? true : undefined, ghost, since: next.startsWith("dpl_") ? next : undefined }), resetScroll: false });
  };
  return (
    <label className={css.choice}>
      <span>Compare</span>
      <select value={value} onChange={(event) => choose(event.target.value)}>
        <option value="">with nothing</option>
        {(Object.keys(GHOST_WORDS) as Ghost[]).map((one) => (
          <option key={one} value={one}>
            {GHOST_WORDS[one]}
          </option>
        ))}
        {found.length > 0 && (
          <optgroup label="before a deploy">
            {found.map((deploy) => (
              <option key={deploy.id} value={deploy.id}>
                {deploy.service} {deploy.version}, {clock(deploy.started_at, zone, now, false)}
              </option>
            ))}
          </optgroup>
        )}
      </select>
    </label>
  );
}
