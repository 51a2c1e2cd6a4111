// The ways to send telemetry that the page Connect has.

export const WAYS = ["go", "java", "python", "node", "rust", "dotnet", "collector", "prometheus"] as const;
export type Way = (typeof WAYS)[number];
