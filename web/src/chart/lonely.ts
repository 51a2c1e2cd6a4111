// Points that a line does not show.

/** Those between two gaps. */
export function lonely(values: (number | null | undefined)[], from: number, to: number): number[] {
  const found: number[] = [];
  for (let i = from; i <= to; i += 1) if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i);
  return found;
}
