// The keyboard: one map, shown by `?`. A page adds its own keys with `useShortcut`.

import { useEffect, useRef } from "react";
import { getPrefs } from "../prefs";

export const GO = [
  ["h", "/", "Now"],
  ["i", "/incidents", "Incidents"],
  ["s", "/slos", "SLOs"],
  ["e", "/explore", "Explore metrics"],
  ["d", "/deploys", "Deploys and gates"],
  ["c", "/services", "Services"],
  ["o", "/connect", "Connect"],
] as const;

/** What the sheet lists besides the chords. */
export const KEYS: [string, string][] = [
  ["Ctrl K", "Search, go to, run an action"],
  ["?", "This sheet"],
  ["/", "Filter"],
  ["j  k", "Next, previous row"],
  ["Enter", "Open the row"],
  ["Esc", "Close what lies on top"],
  ["a", "Acknowledge: the row, or the incident that is open"],
  ["m", "Write an update (incident)"],
  ["r", "Open the runbook (incident)"],
  ["b", "Roll back (incident)"],
  ["d", "Done: resolve (incident)"],
  ["e", "Edit the query (Explore)"],
  ["Ctrl Enter", "Run the query (Explore)"],
  ["t", "Time range"],
  ["[  ]", "Shift the time by half of it"],
  ["-", "Zoom out"],
  ["c", "Compare with the period before"],
  ["f", "Full screen: the chart that has the focus or the pointer"],
  [".", "Pause or resume live updates"],
  ["y", "Copy the link to this view, its time frozen"],
  ["Y", "Copy the link as it is"],
];

const CHORD_MS = 1_200;
/** Times count from when the page was opened, so that 0 was a moment ago at first. */
const NEVER = -Infinity;
const actions = new Map<string, () => void>();

/** Runs `handler` on `key` while the component is mounted. */
export function useShortcut(key: string, handler: (() => void) | undefined): void {
  const latest = useRef(handler);
  latest.current = handler;
  const enabled = handler !== undefined;
  useEffect(() => {
    if (!enabled) return;
    const run = () => latest.current?.();
    actions.set(key, run);
    return () => {
      if (actions.get(key) === run) actions.delete(key);
    };
  }, [key, enabled]);
}

export interface KeyTargets {
  go: (path: (typeof GO)[number][1]) => void;
  palette: () => void;
  sheet: () => void;
  toggleLive: () => void;
  /** Whether something lies on top, or is about to: then letters are not ours. */
  covered: () => boolean;
}

/** Listens until the answer is called. */
export function listenToKeys(targets: KeyTargets): () => void {
  let chordAt = NEVER;
  const onKey = (event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      targets.palette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !getPrefs().singleKeys || targets.covered() || isTyping(event.composedPath()[0] ?? event.target) || document.querySelector('[role="dialog"], dialog[open]')) return;
    const chord = event.timeStamp - chordAt < CHORD_MS;
    chordAt = NEVER;
    const page = chord ? GO.find(([key]) => key === event.key) : undefined;
    if (page) targets.go(page[1]);
    else if (event.key === "g") chordAt = event.timeStamp;
    else if (!single(event.key, targets)) return;
    event.preventDefault();
  };
  addEventListener("keydown", onKey);
  return () => removeEventListener("keydown", onKey);
}

function single(key: string, targets: KeyTargets): boolean {
  const action = actions.get(key);
  if (action) action();
  else if (key === "?") targets.sheet();
  else if (key === "/") return focus("[data-filter]");
  else if (key === "t") return focus("[data-range]");
  else if (key === "j" || key === "k") return moveRow(key === "j" ? 1 : -1);
  else if (key === ".") targets.toggleLive();
  else return false;
  return true;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

function focus(selector: string): boolean {
  const element = document.querySelector<HTMLElement>(selector);
  element?.focus();
  return element !== null;
}

/** Rows are found by their link, which is what takes the focus. */
function moveRow(step: number): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  if (rows.length === 0) return false;
  const at = rows.findIndex((row) => row === document.activeElement || row.closest("tr, li, article")?.contains(document.activeElement));
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return true;
}

/** The incident of the row that has the focus. */
export function focusedIncident(): string | undefined {
  return document.activeElement?.closest<HTMLElement>("[data-incident]")?.dataset.incident;
}
