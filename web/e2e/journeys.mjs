// What people do, step by step, in the real browser.

import { join } from "node:path";
import { api, base, check, focusSeen, MODES, open, out, PAGE_MS_MAX, settled, WALKER } from "./browser.mjs";

/** From the page to acknowledged to resolved, without a pointer, by somebody whom the browser does not know yet. */
export async function byKeyboard(browser) {
  const troubles = [];
  const page = await open(browser, MODES[0], troubles, { named: false });
  const key = (name) => page.keyboard.press(name);
  await page.goto(`${base}/app/`);
  await settled(page);
  await key("Tab");
  await focusSeen(page, "on the skip link");
  await key("Enter");
  check(await page.evaluate(() => document.activeElement?.id === "main"), "keyboard: the skip link leads to the content");
  await key("Control+k");
  await page.keyboard.type("a");
  await page.getByRole("dialog").waitFor({ timeout: PAGE_MS_MAX });
  await key("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden", timeout: PAGE_MS_MAX });
  check((await page.getByText("No page waits for an acknowledgement").count()) === 0, "keyboard: what is typed into the palette acknowledges nothing");
  await page.evaluate(() => document.getElementById("main")?.focus());
  await key("j");
  await focusSeen(page, "on a row");
  await key("a");
  await page.locator("dialog[open]").waitFor({ timeout: PAGE_MS_MAX });
  await focusSeen(page, "in the question for the name");
  await page.keyboard.type(WALKER);
  await key("Enter");
  await page.getByText("No page waits for an acknowledgement").waitFor({ timeout: PAGE_MS_MAX });
  await key("j");
  await key("Enter");
  await page.waitForURL(/incidents\/inc_/, { timeout: PAGE_MS_MAX });
  await settled(page);
  await page.getByText(`Acknowledged by ${WALKER}`).first().waitFor({ timeout: PAGE_MS_MAX });
  await write(page);
  await key("Escape");
  await key("d");
  await page.getByRole("dialog").waitFor({ timeout: PAGE_MS_MAX });
  await focusSeen(page, "in the dialog");
  await page.keyboard.type("The bad version is gone.");
  await key("Tab");
  await key("Tab");
  await key("Enter");
  await page.getByRole("dialog").waitFor({ state: "hidden", timeout: PAGE_MS_MAX });
  await page.locator("header").getByText("resolved", { exact: true }).waitFor({ timeout: PAGE_MS_MAX });
  await page.screenshot({ path: join(out, "keyboard-resolved.png"), fullPage: true });
  await key("g");
  await key("h");
  await page.waitForURL(new RegExp(`/app/?(\\?|$)`), { timeout: PAGE_MS_MAX });
  for (const trouble of troubles) check(false, `keyboard: ${trouble}`);
  await page.context().close();
  const own = (await api("journal?kind=incident.&limit=1000")).items.filter((fact) => fact.actor.via === "web");
  check(own.length >= 4 && own.every((fact) => fact.actor.kind === "human" && fact.actor.id === WALKER), `facts name who acted: ${JSON.stringify(own.map((fact) => fact.actor))}`);
}

/** An update, and a command that is completed by Tab. */
async function write(page) {
  await page.keyboard.press("m");
  await page.keyboard.type("Looking at it, by keyboard.");
  await page.keyboard.press("Control+Enter");
  await page.locator("main ol").getByText("Looking at it, by keyboard.").waitFor({ timeout: PAGE_MS_MAX });
  await page.keyboard.type("/ass");
  await page.keyboard.press("Tab");
  await page.keyboard.type("Ana");
  await page.keyboard.press("Enter");
  await page.getByText("assignee: Ana").waitFor({ timeout: PAGE_MS_MAX });
}

/** The address is the view: reload, back and forward show it again. */
export async function byAddress(browser) {
  const troubles = [];
  const page = await open(browser, MODES[0], troubles);
  const slo = (await api("slos")).items[0];
  const search = () => new URL(page.url()).searchParams;
  const looks = async () => {
    await settled(page);
    return page.evaluate(() => `${document.title} ${document.querySelector("[data-range]").value} ${document.querySelector("h1").textContent}`);
  };
  await page.goto(`${base}/app/slos`);
  await settled(page);
  const first = await looks();
  await page.locator(`main a[href*="/slos/${slo.name}"]`).first().click();
  await page.waitForURL(/\/slos\/.+/, { timeout: PAGE_MS_MAX });
  await settled(page);
  await page.locator("[data-range]").selectOption("6h");
  await page.waitForURL(/range=6h/, { timeout: PAGE_MS_MAX });
  const ranged = await looks();
  const plot = await page.locator(".u-over").first().boundingBox();
  await page.mouse.move(plot.x + plot.width * 0.3, plot.y + 40);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.6, plot.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=/, { timeout: PAGE_MS_MAX });
  const zoomed = await looks();
  const span = (Date.parse(search().get("to")) - Date.parse(search().get("from"))) / 3_600_000;
  check(span > 1 && span < 3, `address: drawing over a third of 6 h shows ${span} h`);
  await page.reload();
  check((await looks()) === zoomed, "address: a reload shows what was zoomed to");
  await page.keyboard.press("y");
  await page.getByText("Link copied").waitFor({ timeout: PAGE_MS_MAX });
  await page.goBack();
  check((await looks()) === ranged && !search().has("from"), "address: back leaves the zoom");
  await page.goForward();
  check((await looks()) === zoomed, "address: forward zooms again");
  await page.goBack();
  await page.goBack();
  check(!search().has("range"), "address: back leaves the range");
  await page.goBack();
  check((await looks()) === first, "address: back leads to the list");
  for (const trouble of troubles) check(false, `address: ${trouble}`);
  await page.context().close();
}

/** Markers that come after the counts are drawn without new counts. */
export async function byMarkers(browser) {
  const page = await open(browser, MODES[0], []);
  const deploy = (await api("deploys")).items[0];
  const slo = (await api("slos")).items.find((item) => item.service === deploy.service);
  const end = (seconds) => new Date(Date.parse(deploy.started_at) + seconds * 1000).toISOString().slice(0, 19);
  let release;
  const held = new Promise((done) => (release = done));
  await page.route("**/evenkeel/v1/deploys?*", async (route) => {
    await held;
    await route.continue();
  });
  // What stands still is read once; the chart of requests has no limit that moves.
  await page.goto(`${base}/app/slos/${slo.name}?from=${end(-120)}Z&to=${end(60)}Z`);
  await settled(page);
  const requests = page.locator("canvas").nth(1);
  await requests.waitFor({ timeout: PAGE_MS_MAX });
  const drawn = () => requests.evaluate((canvas) => canvas.toDataURL());
  const before = await drawn();
  release();
  await page.waitForResponse(/\/deploys\?/, { timeout: PAGE_MS_MAX });
  await page.waitForTimeout(500);
  check((await drawn()) !== before, "markers: a deploy that is read after the counts is drawn");
  await page.context().close();
}

/** A stream that was lost comes back, with what was missed. */
export async function byStream(browser) {
  const page = await open(browser, MODES[0], []);
  const incident = (await api("incidents?status=open")).items[0];
  const pill = (name) => page.getByRole("button", { name }).waitFor({ timeout: PAGE_MS_MAX });
  await page.goto(`${base}/app/incidents/${incident.id}`);
  await settled(page);
  await pill(/^Live/);
  await page.keyboard.press(".");
  await pill(/^Paused/);
  await page.route("**/evenkeel/v1/events*", (route) => route.fulfill({ status: 503 }));
  await page.keyboard.press(".");
  await pill(/^Reconnecting/);
  await api(`incidents/${incident.id}/updates`, { text: "Written while the stream was lost." });
  await page.unroute("**/evenkeel/v1/events*");
  await pill(/^Live/);
  await page.locator("main ol").getByText("Written while the stream was lost.").waitFor({ timeout: PAGE_MS_MAX });
  await page.context().close();
}

/** A session that ended leads to the page to sign in and back; what is being written is kept. */
export async function bySession(browser) {
  const page = await open(browser, MODES[0], []);
  const end = () => page.route("**/evenkeel/v1/status", (route) => route.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" }));
  const incident = (await api("incidents?status=open")).items[0];
  await page.goto(`${base}/app/incidents/${incident.id}`);
  await settled(page);
  await page.keyboard.press("m");
  await page.keyboard.type("half a sentence");
  await end();
  await page.getByText("Your session has ended").waitFor({ timeout: PAGE_MS_MAX });
  check((await page.locator("textarea[name=text]").inputValue()) === "half a sentence", "session: what was written is kept");
  await page.goto(`${base}/app/slos?q=checkout`);
  await page.waitForURL(/\/p\/sign-in\?next=/, { timeout: PAGE_MS_MAX });
  check(new URL(page.url()).searchParams.get("next") === "/app/slos?q=checkout", `session: the way back is ${page.url()}`);
  await page.context().close();
}

/** A token opens what asked for it, and signing out closes it. */
export async function bySignIn(browser, url, token) {
  const page = await open(browser, MODES[0], []);
  await page.goto(`${url}/app/slos?q=checkout`);
  await page.waitForURL(/\/p\/sign-in\?next=/, { timeout: PAGE_MS_MAX });
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/app\/slos\?q=checkout/, { timeout: PAGE_MS_MAX });
  await settled(page);
  await page.getByRole("button", { name: /User menu/ }).click();
  await page.getByText(`${WALKER} via web`).waitFor({ timeout: PAGE_MS_MAX });
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/\/p\/sign-in/, { timeout: PAGE_MS_MAX });
  await page.goto(`${url}/app/`);
  await page.waitForURL(/\/p\/sign-in/, { timeout: PAGE_MS_MAX });
  await page.context().close();
}

/** The form asks about an environment in which the service was seen. */
export async function byGateForm(browser) {
  const page = await open(browser, MODES[0], []);
  await page.goto(`${base}/app/deploys`);
  await settled(page);
  await page.getByLabel("Service", { exact: true }).last().fill("checkout");
  check((await page.getByLabel("Environment").inputValue()) === "production", "gate: the environment is the one that was seen");
  await page.getByLabel("Version").fill("2.0.2");
  await page.getByRole("button", { name: "May it go out?" }).click();
  await page.getByText("checkout 2.0.2 in production is blocked").first().waitFor({ timeout: PAGE_MS_MAX });
  await page.context().close();
}

/** A test page reaches a receiver. */
export async function byTestPage(browser) {
  const page = await open(browser, MODES[0], []);
  await page.goto(`${base}/app/connect`);
  await settled(page);
  await page.getByRole("button", { name: "Send a test page" }).first().click();
  await page.getByText("Queued as").waitFor({ timeout: PAGE_MS_MAX });
  await page.context().close();
}

/** The journal becomes a draft, which names who answered. */
export async function byPostmortem(browser) {
  const page = await open(browser, MODES[0], []);
  const incident = (await api("incidents?status=resolved")).items[0];
  await page.goto(`${base}/app/incidents/${incident.id}/postmortem`);
  await settled(page);
  await page.getByRole("button", { name: "Draft" }).click();
  await page.getByText("sections from data").waitFor({ timeout: PAGE_MS_MAX });
  check((await page.locator("article").getByText(WALKER).count()) > 0, `postmortem: names ${WALKER} as a responder`);
  await page.context().close();
}

/** The signed link needs no JavaScript; opening it does nothing. */
export async function bySignedLink(browser, ackPath, expected) {
  const page = await open(browser, MODES[2], [], { named: false, javaScriptEnabled: false });
  await page.goto(`${base}/${ackPath}`);
  check((await page.getByText(expected).count()) > 0, `signed link: shows “${expected}”`);
  await page.screenshot({ path: join(out, `signed-link-no-script-${expected.split(" ")[0]}.png`) });
  await page.context().close();
}
