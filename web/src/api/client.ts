// The HTTP client: one function for reading, one for changing, and problems as errors.

import { headerText } from "../lib/header";
import { getPrefs } from "../prefs";
import type { Problem } from "./schema";

/** Where the pages live; the server writes the external URL's path before it. */
export const appUrl = new URL(document.querySelector<HTMLMetaElement>('meta[name="evenkeel-app"]')?.content ?? "/app/", location.origin);
/** The external URL, with a slash at its end. */
export const rootUrl = new URL("../", appUrl);
const apiUrl = new URL("evenkeel/v1/", rootUrl);

/** Called when the server asks for a sign-in. */
let signedOut = () => {};
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

/** Facts name the way and, where this browser knows it, the person. */
function identity(): Record<string, string> {
  const { name } = getPrefs();
  return { "evenkeel-via": "web", ...(name ? { "evenkeel-actor": headerText(name) } : {}) };
}

/** A problem that the server named, or that kept us from reaching it (status 0). */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
  get status(): number {
    return this.problem.status;
  }
}

export type Params = Record<string, string | number | undefined>;

export function urlOf(path: string, params: Params = {}): URL {
  const url = new URL(path, apiUrl);
  for (const [key, value] of Object.entries(params)) if (value !== undefined && value !== "") url.searchParams.set(key, String(value));
  return url;
}

export function get<T>(path: string, params?: Params, signal?: AbortSignal): Promise<T> {
  return call<T>(urlOf(path, params), { headers: identity(), ...(signal ? { signal } : {}) });
}

export function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return call<T>(urlOf(path), {
    method: "POST",
    headers: { "content-type": "application/json", ...identity() },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}

async function call<T>(url: URL, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError({ type: "about:blank", title: "unreachable", status: 0, detail: "The server does not answer." });
  }
  if (response.status === 401) signedOut();
  if (!response.ok) throw new ApiError(await problemOf(response));
  return (await response.json()) as T;
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback = { type: "about:blank", title: response.statusText, status: response.status, detail: `The server answered ${response.status}.` };
  if (!response.headers.get("content-type")?.includes("problem+json")) return fallback;
  try {
    return { ...fallback, ...((await response.json()) as Partial<Problem>) };
  } catch {
    return fallback;
  }
}
