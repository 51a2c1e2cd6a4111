// The stream of facts: while it is open, what a fact makes stale is read again as it arrives.
//
// The browser resumes by Last-Event-ID after a lost connection. Where it gives up (an HTTP error), we open anew with
// the same number in `after`, and read everything again, so that nothing is missed either way.

import { useSyncExternalStore } from "react";
import type { QueryClient } from "@tanstack/react-query";
import { urlOf } from "./client";
import { staleBy } from "./facts";
import type { StreamEvent } from "./schema";

export interface LiveState {
  status: "live" | "paused" | "reconnecting";
  /** Seconds until the next try; only while reconnecting. */
  retrySeconds: number;
  lastSeq: number;
}

const RETRY_SECONDS = [1, 2, 3, 5, 10];
const REFRESH_MS = 400;

let state: LiveState = { status: "reconnecting", retrySeconds: 0, lastSeq: 0 };
const listeners = new Set<() => void>();
let source: EventSource | undefined;
let client: QueryClient | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
let tries = 0;
let opened = false;
let refresh: ReturnType<typeof setTimeout> | undefined;

function set(change: Partial<LiveState>): void {
  state = { ...state, ...change };
  for (const listener of listeners) listener();
}

/** What is to be read again at the next refresh, by the text of its key. */
let stale: Map<string, readonly string[]> | "all" = new Map();

function refreshSoon(keys: (readonly string[])[] | "all"): void {
  if (keys === "all" || stale === "all") stale = "all";
  else for (const key of keys) stale.set(key.join(), key);
  // A page in the background catches up when it is looked at.
  if (refresh !== undefined || document.hidden) return;
  refresh = setTimeout(() => {
    refresh = undefined;
    const due = stale;
    stale = new Map();
    if (due === "all") void client?.invalidateQueries();
    else for (const queryKey of due.values()) void client?.invalidateQueries({ queryKey });
  }, REFRESH_MS);
}

function open(): void {
  clearTimeout(retry);
  const stream = new EventSource(urlOf("events", { after: state.lastSeq || undefined }));
  source = stream;
  stream.onopen = () => {
    tries = 0;
    set({ status: "live", retrySeconds: 0 });
    if (opened) refreshSoon("all");
    opened = true;
  };
  stream.onmessage = (message) => receive(message);
  stream.onerror = () => {
    if (source !== stream) return;
    if (stream.readyState === EventSource.CLOSED) {
      countDown(RETRY_SECONDS[Math.min(tries, RETRY_SECONDS.length - 1)]!);
      tries += 1;
    } else set({ status: "reconnecting", retrySeconds: 0 });
  };
}

function receive(message: MessageEvent<string>): void {
  const event = JSON.parse(message.data) as StreamEvent;
  set({ lastSeq: event.seq });
  refreshSoon(staleBy(event));
}

function countDown(seconds: number): void {
  set({ status: "reconnecting", retrySeconds: seconds });
  retry = setTimeout(() => (seconds > 1 ? countDown(seconds - 1) : open()), 1000);
}

export function startLive(queryClient: QueryClient): void {
  client = queryClient;
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && state.status !== "paused") refreshSoon("all");
  });
  open();
}

/** While paused nothing on the page moves. */
export function setPaused(paused: boolean): void {
  if (!paused) {
    set({ status: "reconnecting", retrySeconds: 0 });
    open();
    return;
  }
  clearTimeout(retry);
  source?.close();
  source = undefined;
  set({ status: "paused" });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLive(): LiveState {
  return useSyncExternalStore(subscribe, () => state);
}

export function isPaused(): boolean {
  return state.status === "paused";
}
