// Walks every page of a running server in a real Chromium, in light, dark and 360 px wide, and once by keyboard alone.
//
//     BASE_URL=http://127.0.0.1:7700 OUT=/tmp/shots node e2e/walk.mjs
//
// Fails on: a console error, a Content-Security-Policy report, a serious or critical finding of axe, a page wider than
// the screen, a page without its content. KEYBOARD=0 leaves the incident as it is (no acknowledge, no resolve);
// KEYBOARD=1 fails where no incident is open. CHROMIUM names another browser.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const base = (process.env.BASE_URL ?? "http://127.0.0.1:7700").replace(/\/$/, "");
const out = process.env.OUT ?? "/tmp/evenkeel-shots";
const WALKER = "Zoë";
const SETTLE_MS = 350;
const PAGE_MS_MAX = 15_000;
const FLAGS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic"];
const MODES = [
  { name: "light", colorScheme: "light", viewport: { width: 1366, height: 900 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1366, height: 900 } },
  { name: "phone", colorScheme: "light", viewport: { width: 360, height: 740 } },
];

const failures = [];
let checks = 0;
function check(ok, message) {
  checks += 1;
  if (!ok) {
    failures.push(message);
    console.error(`FAIL ${message}`);
  }
}

const api = async (path) => {
  const response = await fetch(`${base}/evenkeel/v1/${path}`);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
};

/** Every page there is data for, with what is opened on it. */
async function views() {
  const slo = (await api("slos")).items[0];
  const incidents = (await api("incidents")).items;
  const incident = incidents.find((item) => item.status !== "resolved") ?? incidents[0];
  const resolved = incidents.find((item) => item.status === "resolved");
  const service = (await api("services")).items[0];
  const verdict = (await api("gate/verdicts")).items[0];
  return [
    ["now", ""],
    ["slos", "slos"],
    ["incidents", "incidents"],
    ["deploys", "deploys"],
    ["services", "services"],
    ["connect", "connect"],
    ["connect-prometheus", "connect?way=prometheus"],
    ["not-found", "no-such-page"],
    ["palette", "", (page) => page.keyboard.press("Control+k")],
    ["shortcuts", "", (page) => page.keyboard.press("?")],
    ...(slo
      ? [
          ["slo", `slos/${slo.name}?range=1h`],
          ["slo-30d", `slos/${slo.name}?range=30d`],
          ["slo-query", `slos/${slo.name}`, (page) => page.getByRole("button", { name: /^Burn over/ }).first().click()],
        ]
      : []),
    ...(incident ? [["incident", `incidents/${incident.id}`]] : []),
    ...(resolved ? [["postmortem", `incidents/${resolved.id}/postmortem`]] : []),
    ...(incident && incident.status !== "resolved" ? [["incident-resolve", `incidents/${incident.id}`, (page) => page.keyboard.press("d")]] : []),
    ...(service ? [["service-drawer", `services?peek=${service.name}`]] : []),
    ...(verdict ? [["verdict-drawer", `deploys?verdict=${verdict.id}`]] : []),
  ];
}

/** A page that reports what went wrong on it. */
async function open(browser, mode, troubles) {
  const context = await browser.newContext({ colorScheme: mode.colorScheme, viewport: mode.viewport, reducedMotion: "reduce" });
  await context.addInitScript(() => {
    globalThis.policyReports = [];
    addEventListener("securitypolicyviolation", (event) => globalThis.policyReports.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") troubles.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => troubles.push(`exception: ${error.message}`));
  return page;
}

async function settled(page) {
  await page.locator("#main").waitFor({ timeout: PAGE_MS_MAX });
  await page.waitForFunction(() => document.querySelector('[role="status"][aria-label^="Loading"]') === null, undefined, { timeout: PAGE_MS_MAX });
  await page.waitForTimeout(SETTLE_MS);
}

async function look(page, mode, [name, path, act], troubles) {
  const label = `${mode.name} ${name}`;
  troubles.length = 0;
  await page.goto(`${base}/app/${path}`, { waitUntil: "load" });
  await settled(page);
  if (act) {
    await act(page);
    await page.waitForTimeout(SETTLE_MS);
  }
  const file = join(out, `${name}-${mode.name}.png`);
  await page.screenshot({ path: file, fullPage: !act && !name.endsWith("drawer") });
  for (const trouble of troubles) check(false, `${label}: ${trouble}`);
  check(troubles.length === 0, `${label}: the console has errors`);
  const reports = await page.evaluate(() => globalThis.policyReports);
  check(reports.length === 0, `${label}: policy reports: ${reports.join("; ")}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(wide <= 0, `${label}: ${wide} px wider than the screen`);
  check((await page.locator("main [role=alert]").count()) === 0, `${label}: shows an error`);
  const { violations } = await new AxeBuilder({ page }).analyze();
  for (const found of violations.filter((item) => item.impact === "serious" || item.impact === "critical"))
    check(false, `${label}: axe ${found.id}: ${found.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 140)} ${node.any[0]?.message ?? node.all[0]?.message ?? ""}`).join(" | ")}`);
  checks += 1;
}

/** Focus that cannot be seen is no focus. */
async function focusSeen(page, where) {
  const seen = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return document.activeElement !== document.body && ((style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none");
  });
  check(seen, `keyboard: the focus is not seen ${where}`);
}

/** From the page to acknowledged to resolved, without a pointer. */
async function byKeyboard(browser) {
  const troubles = [];
  const page = await open(browser, MODES[0], troubles);
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
  await key("m");
  await page.keyboard.type("Looking at it, by keyboard.");
  await key("Control+Enter");
  await page.locator("main ol").getByText("Looking at it, by keyboard.").waitFor({ timeout: PAGE_MS_MAX });
  await page.keyboard.type("/ass");
  await key("Tab");
  await page.keyboard.type("Ana");
  await key("Enter");
  await page.getByText("assignee: Ana").waitFor({ timeout: PAGE_MS_MAX });
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
  const own = (await api("journal?kind=incident.&limit=1000")).items.filter((fact) => fact.actor.kind === "human");
  check(own.length >= 3 && own.every((fact) => fact.actor.id === WALKER && fact.actor.via === "web"), `keyboard: facts name who acted: ${JSON.stringify(own.map((fact) => fact.actor))}`);
  await key("g");
  await key("h");
  await page.waitForURL(new RegExp(`/app/?(\\?|$)`), { timeout: PAGE_MS_MAX });
  for (const trouble of troubles) check(false, `keyboard: ${trouble}`);
  await page.context().close();
}

mkdirSync(out, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
try {
  const all = await views();
  for (const mode of MODES) {
    const troubles = [];
    const page = await open(browser, mode, troubles);
    for (const view of all) {
      try {
        await look(page, mode, view, troubles);
      } catch (error) {
        check(false, `${mode.name} ${view[0]}: ${error.message.split("\n")[0]}`);
      }
    }
    await page.context().close();
  }
  const waiting = (await api("incidents?status=open")).items.some((item) => !item.acknowledged);
  if (process.env.KEYBOARD === "1") check(waiting, "keyboard: an incident waits for an acknowledgement");
  if (waiting && process.env.KEYBOARD !== "0") {
    try {
      await byKeyboard(browser);
    } catch (error) {
      check(false, `keyboard: ${error.message.split("\n").slice(0, 3).join(" ")}`);
    }
  }
} finally {
  await browser.close();
}
console.log(`${checks - failures.length} passed, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
