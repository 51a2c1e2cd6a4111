// One running query: started when what it asks changes, cancelled when it changes again or by hand, timed while it runs.

import { useCallback, useEffect, useRef, useState } from "react";
import { prom, type Answer, type PromParams, type QueryData } from "../../api/prom";

export interface Asked {
  path: "query" | "query_range";
  params: PromParams;
}

export interface Done {
  answer: Answer<QueryData>;
  asked: Asked;
  /** What it took until the answer was here and read, in milliseconds. */
  ms: number;
}

export interface Run {
  status: "idle" | "running" | "done" | "failed" | "cancelled";
  /** The last answer; the one before while the next is awaited. */
  done: Done | undefined;
  error: Error | undefined;
  /** What is being asked, or was asked last. */
  asked: Asked | undefined;
  /** When it was started, as `performance.now` tells. */
  startedAt: number;
  cancel: () => void;
}

type State = Omit<Run, "cancel">;
const IDLE: State = { status: "idle", done: undefined, error: undefined, asked: undefined, startedAt: 0 };

/**
 * Runs `ask()` whenever `key` changes; an empty key runs nothing. `topic` says what the answer is about: while it stays,
 * the old answer is shown until the new one is here.
 */
export function useRun(key: string, topic: string, ask: () => Asked): Run {
  const [state, setState] = useState<State>(IDLE);
  const latest = useRef(ask);
  latest.current = ask;
  const control = useRef<AbortController>(undefined);
  const shown = useRef(topic);

  useEffect(() => {
    if (key === "") {
      setState(IDLE);
      return;
    }
    const abort = new AbortController();
    control.current = abort;
    const startedAt = performance.now();
    const asked = latest.current();
    const keep = shown.current === topic;
    shown.current = topic;
    setState((old) => ({ status: "running", done: keep ? old.done : undefined, error: undefined, asked, startedAt }));
    prom<QueryData>(asked.path, asked.params, abort.signal).then(
      (answer) => {
        if (!abort.signal.aborted) setState({ status: "done", done: { answer, asked, ms: performance.now() - startedAt }, error: undefined, asked, startedAt });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setState({ status: "failed", done: undefined, error: error instanceof Error ? error : new Error(String(error)), asked, startedAt });
      },
    );
    return () => abort.abort();
  }, [key, topic]);

  const cancel = useCallback(() => {
    control.current?.abort();
    setState((old) => (old.status === "running" ? { ...old, status: "cancelled" } : old));
  }, []);
  return { ...state, cancel };
}

const TICK_MS = 100;

/** Milliseconds since `startedAt`, while it runs. */
export function useElapsed(running: boolean, startedAt: number): number {
  const [now, setNow] = useState(startedAt);
  useEffect(() => {
    if (!running) return;
    setNow(performance.now());
    const timer = setInterval(() => setNow(performance.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [running, startedAt]);
  return Math.max(0, now - startedAt);
}
