// The browser of the walk, and what it holds every page to.

import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const base = (process.env.BASE_URL ?? "http://127.0.0.1:7700").replace(/\/$/, "");
export const out = process.env.OUT ?? "/tmp/evenkeel-shots";
export const PAGE_MS_MAX = 15_000;
export const WALKER = "Zoë";
const SETTLE_MS = 350;
const FLAGS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic"];
export const MODES = [
  { name: "light", colorScheme: "light", viewport: { width: 1366, height: 900 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1366, height: 900 } },
  { name: "phone", colorScheme: "light", viewport: { width: 360, height: 740 } },
];

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });

export const failures = [];
let checks = 0;
export function check(ok, message) {
  checks += 1;
  if (!ok) {
    failures.push(message);
    console.error(`FAIL ${message}`);
  }
}
export const passed = () => checks - failures.length;

export async function api(path, body) {
  const response = await fetch(`${base}/evenkeel/v1/${path}`, {
    method: body ? "POST" : "GET",
    headers: { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** A page that reports what goes wrong on it; `named` by a user whose name the browser knows. */
export async function open(browser, mode, troubles, { named = true, ...options } = {}) {
  const context = await browser.newContext({ colorScheme: mode.colorScheme, viewport: mode.viewport, reducedMotion: "reduce", ...options });
  await context.addInitScript(() => {
    globalThis.policyReports = [];
    addEventListener("securitypolicyviolation", (event) => globalThis.policyReports.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  if (named) await context.addInitScript((name) => localStorage.setItem("evenkeel.prefs", JSON.stringify({ name })), WALKER);
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") troubles.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => troubles.push(`exception: ${error.message}`));
  return page;
}

export async function settled(page) {
  await page.locator("#main").waitFor({ timeout: PAGE_MS_MAX });
  await page.waitForFunction(() => document.querySelector('[role="status"][aria-label^="Loading"]') === null, undefined, { timeout: PAGE_MS_MAX });
  await page.waitForTimeout(SETTLE_MS);
}

/** Looks at one view in one mode. */
export async function look(page, mode, view, troubles) {
  const label = `${mode.name} ${view.name}`;
  troubles.length = 0;
  await page.goto(`${base}/${view.path}`, { waitUntil: "load" });
  if (!view.plain) await settled(page);
  if (view.act) {
    await view.act(page);
    await page.waitForTimeout(SETTLE_MS);
  }
  if (view.shows) await page.getByText(view.shows).first().waitFor({ timeout: PAGE_MS_MAX });
  await page.screenshot({ path: join(out, `${view.name}-${mode.name}.png`), fullPage: !view.act && !view.over });
  const unexpected = troubles.filter((trouble) => !view.fails || !trouble.includes("Failed to load resource"));
  check(unexpected.length === 0, `${label}: ${unexpected.join("; ")}`);
  const reports = await page.evaluate(() => globalThis.policyReports);
  check(reports.length === 0, `${label}: policy reports: ${reports.join("; ")}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(wide <= 0, `${label}: ${wide} px wider than the screen`);
  check(view.fails || (await page.locator("main [role=alert]").count()) === 0, `${label}: shows an error`);
  const { violations } = await new AxeBuilder({ page }).analyze();
  for (const found of violations.filter((item) => item.impact === "serious" || item.impact === "critical"))
    check(false, `${label}: axe ${found.id}: ${found.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 140)} ${node.any[0]?.message ?? node.all[0]?.message ?? ""}`).join(" | ")}`);
}

/** Looks at all of them in every mode. */
export async function lookAtAll(browser, views) {
  for (const mode of MODES) {
    const troubles = [];
    const page = await open(browser, mode, troubles);
    for (const view of views) {
      try {
        await look(page, mode, view, troubles);
      } catch (error) {
        check(false, `${mode.name} ${view.name}: ${error.message.split("\n")[0]}`);
      }
    }
    await page.context().close();
  }
}

/** Focus that cannot be seen is no focus. */
export async function focusSeen(page, where) {
  const seen = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return document.activeElement !== document.body && ((style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none");
  });
  check(seen, `keyboard: the focus is not seen ${where}`);
}
