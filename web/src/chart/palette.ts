// The colours of many lines: twelve, and then again with another stroke, so that two of the same colour are told apart.

export const COLORS = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5", "--series-6", "--series-7", "--series-8", "--series-9", "--series-10", "--series-11", "--series-12"] as const;
const DASHES = [undefined, [8, 3], [2, 3], [10, 3, 2, 3]] as const;

/** A custom property of tokens.css. */
export function colorAt(rank: number): string {
  return COLORS[rank % COLORS.length] ?? COLORS[0];
}

export function dashAt(rank: number): number[] | undefined {
  const dash = DASHES[Math.floor(rank / COLORS.length) % DASHES.length];
  return dash && [...dash];
}
