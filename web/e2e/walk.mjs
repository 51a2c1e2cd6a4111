// Walks every page of a running server in a real Chromium, in light, dark and 360 px wide, and goes the ways of those who
// use it: by keyboard alone, by the address, through a lost stream, an ended session and a signed link.
//
//     BASE_URL=http://127.0.0.1:7700 ACK_PATH=p/acknowledge/… OUT=/tmp/shots node e2e/walk.mjs
//
// The server needs an open incident that nobody has acknowledged, with a rollback that is offered; CLOSED_URL is a server
// that asks for CLOSED_TOKEN. real.mjs makes them.
// Fails on: a view that is not there, a console error, a Content-Security-Policy report, a serious or critical finding
// of axe, a page wider than the screen, a page without its content. The incident is resolved at the end. CHROMIUM names
// another browser.

import { mkdirSync } from "node:fs";
import { api, check, failures, launch, lookAtAll, out, passed } from "./browser.mjs";
import { byBrowsing, byCardinality, byFinding, byMistake, byQuery, exploreViews } from "./exploring.mjs";
import { byAddress, byGateForm, byKeyboard, byMarkers, byPostmortem, bySession, bySignedLink, bySignIn, byStream, byTestPage } from "./journeys.mjs";
import { openViews, resolvedViews } from "./views.mjs";

const ackPath = process.env.ACK_PATH;

mkdirSync(out, { recursive: true });
const browser = await launch();
async function go(name, journey) {
  try {
    await journey();
  } catch (error) {
    check(false, `${name}: ${error.message.split("\n").slice(0, 3).join(" ")}`);
  }
}

try {
  await go("views", async () => lookAtAll(browser, await openViews(ackPath)));
  await go("explore", () => lookAtAll(browser, exploreViews()));
  await go("query", () => byQuery(browser));
  await go("mistake", () => byMistake(browser));
  await go("finding", () => byFinding(browser));
  await go("browser", () => byBrowsing(browser));
  await go("cardinality", () => byCardinality(browser));
  await go("address", () => byAddress(browser));
  await go("markers", () => byMarkers(browser));
  await go("stream", () => byStream(browser));
  await go("session", () => bySession(browser));
  await go("sign-in", () => bySignIn(browser, process.env.CLOSED_URL, process.env.CLOSED_TOKEN));
  await go("gate", () => byGateForm(browser));
  await go("test page", () => byTestPage(browser));
  await go("signed link", async () => {
    await bySignedLink(browser, ackPath, "Acknowledge as");
    check(!(await api("incidents?status=open")).items[0].acknowledged, "signed link: opening it acknowledges nothing");
  });
  await go("keyboard", () => byKeyboard(browser));
  await go("signed link", () => bySignedLink(browser, ackPath, "Acknowledged by"));
  await go("postmortem", () => byPostmortem(browser));
  await go("resolved", async () => lookAtAll(browser, await resolvedViews()));
} finally {
  await browser.close();
}
console.log(`${passed()} passed, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
