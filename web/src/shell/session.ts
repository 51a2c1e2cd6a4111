// A session that ended: the page to sign in takes over, unless somebody is writing; then a banner says so.

import { useSyncExternalStore } from "react";
import { onSignedOut, rootUrl } from "../api/client";

let ended = false;
const listeners = new Set<() => void>();

export function signInUrl(): string {
  const url = new URL("p/sign-in", rootUrl);
  url.searchParams.set("next", location.pathname + location.search + location.hash);
  return url.href;
}

export const SIGN_OUT_URL = new URL("p/sign-out", rootUrl).href;

/** Whether there is text that would be lost. */
function isWriting(): boolean {
  const areas = [...document.querySelectorAll("textarea")];
  const inputs = [...document.querySelectorAll<HTMLInputElement>("[role=dialog] input")];
  return areas.some((area) => area.value !== "") || inputs.some((input) => input.value !== input.defaultValue);
}

export function watchSession(): void {
  onSignedOut(() => {
    if (ended) return;
    ended = true;
    for (const listener of listeners) listener();
    if (!isWriting()) location.assign(signInUrl());
  });
}

export function useSignedOut(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => ended,
  );
}
