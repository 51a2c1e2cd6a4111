// Walks Explore and the cardinality page over the fixture server, which has what a fresh real one has not: exemplars,
// native histograms, warnings, limits that are reached, a thousand series.
//
//     npm run build && OUT=/tmp/shots node e2e/fixture.mjs

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const START_MS_MAX = 10_000;
const server = spawn(process.execPath, [fileURLToPath(new URL("../dev/fixture-server.mjs", import.meta.url))], { env: { ...process.env, PORT: "0", BASE: "/ops" }, stdio: ["ignore", "pipe", "inherit"] });
const url = await new Promise((found, failed) => {
  const late = setTimeout(() => failed(new Error("the fixture server does not start")), START_MS_MAX);
  server.stdout.on("data", (chunk) => {
    const [address] = /http:\S+/.exec(String(chunk)) ?? [];
    if (!address) return;
    clearTimeout(late);
    found(address.replace(/\/app\/$/, ""));
  });
});
process.env.BASE_URL = url;

let code = 1;
try {
  const { check, failures, launch, lookAtAll, out, passed } = await import("./browser.mjs");
  const { byBrowsing, byCardinality, byMistake, byQuery, exploreViews, fixtureViews } = await import("./exploring.mjs");
  mkdirSync(out, { recursive: true });
  const journeys = async (go, browser) => {
    await go("query", () => byQuery(browser));
    await go("mistake", () => byMistake(browser));
    await go("browser", () => byBrowsing(browser));
    await go("cardinality", () => byCardinality(browser));
  };
  const browser = await launch();
  const go = async (name, journey) => {
    try {
      await journey();
    } catch (error) {
      check(false, `${name}: ${error.message.split("\n").slice(0, 3).join(" ")}`);
    }
  };
  try {
    // After a walk of the real binary only what that could not show is left.
    const rest = process.env.AFTER_REAL === "1";
    await go("views", () => lookAtAll(browser, rest ? fixtureViews() : [...exploreViews(), ...fixtureViews()]));
    if (!rest) await journeys(go, browser);
  } finally {
    await browser.close();
  }
  console.log(`fixture: ${passed()} passed, ${failures.length} failed`);
  code = failures.length === 0 ? 0 : 1;
} finally {
  server.kill("SIGTERM");
}
process.exit(code);
