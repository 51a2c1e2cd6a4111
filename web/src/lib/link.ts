// Links to a view that show it to others as it was seen.

import { spanOf, spanSearch } from "./range";

/** The address with its time frozen at `now`; the same one when it stands still already. */
export function frozen(href: string, seconds: number, now: number): string {
  const url = new URL(href);
  const { searchParams: search } = url;
  if (spanOf(search.get("from") ?? undefined, search.get("to") ?? undefined)) return href;
  const { from, to } = spanSearch({ from: now - seconds * 1000, to: now });
  search.set("from", from);
  search.set("to", to);
  search.delete("range");
  return url.href;
}
