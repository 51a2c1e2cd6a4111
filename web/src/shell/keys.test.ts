import { afterEach, describe, expect, it, vi } from "vitest";

afterEach(() => vi.unstubAllGlobals());

/** Presses keys at moments since the page was opened; gives where they led. */
async function pressed(...keys: [key: string, at: number][]): Promise<string[]> {
  const listeners: ((event: unknown) => void)[] = [];
  vi.stubGlobal("addEventListener", (_: string, listener: (event: unknown) => void) => listeners.push(listener));
  vi.stubGlobal("removeEventListener", () => undefined);
  vi.stubGlobal("document", { querySelector: () => null });
  vi.stubGlobal("HTMLElement", class {});
  const { listenToKeys } = await import("./keys");
  const gone: string[] = [];
  const nothing = () => undefined;
  listenToKeys({ go: (path) => gone.push(path), palette: nothing, sheet: nothing, toggleLive: nothing, covered: () => false });
  for (const [key, timeStamp] of keys) {
    for (const listener of listeners) listener({ key, timeStamp, composedPath: () => [], target: null, preventDefault: nothing });
  }
  return gone;
}

describe("keys", () => {
  it("lead to a page after g, for a moment", async () => {
    expect(await pressed(["g", 5_000], ["e", 5_100])).toEqual(["/explore"]);
    expect(await pressed(["g", 5_000], ["e", 7_000])).toEqual([]);
  });
  it("are no second half of a chord when the page was just opened", async () => {
    expect(await pressed(["e", 900])).toEqual([]);
    expect(await pressed(["g", 300], ["e", 310], ["s", 900])).toEqual(["/explore"]);
  });
});
