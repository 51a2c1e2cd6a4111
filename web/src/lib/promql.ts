// Queries that say on their own what a page shows.

import { windowName } from "./format";

/** PromQL for the events of a whole window, from the query for their rate. */
export function overWindow(rate: string, seconds: number): string {
  const series = /^rate\((.+)\[\w+\]\)$/.exec(rate)?.[1];
  return series === undefined ? `(${rate}) * ${seconds}` : `increase(${series}[${windowName(seconds)}])`;
}
