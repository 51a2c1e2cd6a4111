// Explore and cardinality: every view of them, and what people do there, by keyboard as far as it goes.

import { join } from "node:path";
import { base, check, focusSeen, MODES, open, out, PAGE_MS_MAX, settled } from "./browser.mjs";

export const METRIC = "http_server_request_duration_seconds_count";
const RATE = `sum(rate(${METRIC}[5m]))`;

export function exploreUrl(panes, extra = "") {
  return `app/explore?v=1&panes=${encodeURIComponent(JSON.stringify(panes))}${extra}`;
}

/** What every server can show; `explain` and the like only where it knows how. */
export function exploreViews() {
  const drawn = async (page) => {
    await page.locator('[data-query="A"][data-status="done"]').waitFor({ timeout: PAGE_MS_MAX });
  };
  return [
    { name: "explore", path: "app/explore", shows: "metrics are here" },
    { name: "explore-chart", path: exploreUrl([{ x: RATE }, { x: METRIC, stack: true }]), act: drawn, shows: "in all" },
    { name: "explore-compared", path: exploreUrl([{ x: RATE, log: true }], "&compare=true"), act: drawn, shows: "dashed" },
    { name: "explore-table", path: exploreUrl([{ x: METRIC, view: "table", sort: "-value" }]), act: drawn, shows: "TSV" },
    { name: "explore-explain", path: exploreUrl([{ x: RATE, view: "explain" }]), act: drawn, shows: /whole took|does not explain/ },
    { name: "explore-distribution", path: exploreUrl([{ x: `sum by (le) (rate(${METRIC.replace("_count", "_bucket")}[5m]))`, view: "distribution" }]), act: drawn, shows: "p99" },
    { name: "explore-error", path: exploreUrl([{ x: `sum(ratee(${METRIC}[5m]))` }]), shows: "Did you mean rate?", fails: true },
    { name: "explore-empty", path: exploreUrl([{ x: "nothing_of_this_name" }]), act: drawn, shows: "No series matches" },
    { name: "explore-labels", path: `${exploreUrl([{ x: "" }])}&metric=${METRIC}&browse=open`, shows: "Insert" },
    { name: "explore-history", path: "app/explore", act: (page) => page.getByRole("button", { name: "History" }).click(), shows: "Queries run in this browser" },
    { name: "cardinality", path: "app/explore/cardinality", shows: /Metrics by series|keeps no statistics/ },
    { name: "cardinality-focus", path: `app/explore/cardinality?match=${METRIC}&label=service_name`, shows: "In focus" },
  ];
}

/** What only the fixture has: exemplars, native histograms, warnings, limits, more series than are drawn. */
export function fixtureViews() {
  const done = (page) => page.locator('[data-query="A"][data-status="done"]').waitFor({ timeout: PAGE_MS_MAX });
  return [
    { name: "fx-exemplars", path: exploreUrl([{ x: "sum by (service) (rate(http_requests_total[5m]))" }], "&ex=true"), act: done, shows: "27 exemplars" },
    { name: "fx-native", path: exploreUrl([{ x: "rate(rpc_duration_seconds[5m])" }]), act: done, shows: "the sum of 3 histograms" },
    { name: "fx-warnings", path: exploreUrl([{ x: "rate(process_resident_memory_bytes[5m])" }]), act: done, shows: "might not be a counter" },
    { name: "fx-many", path: exploreUrl([{ x: "many" }], "&range=15m"), act: done, shows: "showing the 50 largest of 1,200 series" },
    { name: "fx-limit", path: exploreUrl([{ x: "too_much" }]), shows: "query.max_samples", fails: true },
    { name: "fx-explain", path: exploreUrl([{ x: "sum by (service) (rate(http_requests_total[5m]))", view: "explain" }]), act: done, shows: "the whole took 18.4 ms" },
    { name: "fx-deploy", path: exploreUrl([{ x: "sum by (service) (rate(http_requests_total[5m]))" }], "&ghost=deploy"), act: done, shows: "before checkout 2.0.0" },
    { name: "fx-refused", path: "app/explore/cardinality", shows: "Label that exploded" },
  ];
}

const panel = (page, letter) => page.locator(`[data-query="${letter}"]`);
const editor = (page, letter) => page.getByRole("textbox", { name: `Query ${letter}` });
const done = (page, letter) => page.locator(`[data-query="${letter}"][data-status="done"]`).waitFor({ timeout: PAGE_MS_MAX });
const panesOf = (page) => JSON.parse(new URL(page.url()).searchParams.get("panes") ?? "[]");

async function write(page, letter, text) {
  await editor(page, letter).click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  // Without a completion in between, as somebody who pastes.
  await page.keyboard.insertText(text);
}

/** From an empty page to a chart, a table, a plan; and the same again after a reload. */
export async function byQuery(browser) {
  const troubles = [];
  const page = await open(browser, MODES[0], troubles);
  await page.goto(`${base}/app/`);
  await settled(page);
  await page.keyboard.press("g");
  await page.keyboard.press("e");
  await page.waitForURL(/\/explore/, { timeout: PAGE_MS_MAX });
  await settled(page);
  await editor(page, "A").waitFor({ timeout: PAGE_MS_MAX });
  await page.locator("[data-editor]").first().waitFor({ timeout: PAGE_MS_MAX });
  await page.keyboard.press("e");
  await page.keyboard.type("histogram_quan");
  await page.locator(".cm-tooltip-autocomplete li").first().waitFor({ timeout: PAGE_MS_MAX });
  await page.keyboard.press("Tab");
  check((await editor(page, "A").innerText()).startsWith("histogram_quantile("), `query: Tab completes to ${await editor(page, "A").innerText()}`);
  await page.keyboard.press("Control+a");
  await page.keyboard.type("up");
  check((await editor(page, "A").innerText()) === "up", `query: what is typed takes the place of what was selected: ${await editor(page, "A").innerText()}`);
  await page.keyboard.press("Control+a");
  await page.keyboard.type("(");
  check((await editor(page, "A").innerText()) === "(up)", "query: a bracket closes about what was selected");
  await write(page, "A", RATE);
  await page.keyboard.press("Control+Enter");
  await done(page, "A");
  await panel(page, "A").locator("canvas").first().waitFor({ timeout: PAGE_MS_MAX });
  check(panesOf(page)[0]?.x === RATE, `query: the address holds ${page.url()}`);
  await page.getByRole("button", { name: "Add query B" }).click();
  await page.locator("[data-query=B] [data-editor]").waitFor({ timeout: PAGE_MS_MAX });
  await write(page, "B", METRIC);
  await page.keyboard.press("Control+Enter");
  await done(page, "B");
  await crosshair(page);
  await table(page);
  await panel(page, "A").getByRole("button", { name: "Explain" }).click();
  await page.getByText(/whole took|does not explain/).first().waitFor({ timeout: PAGE_MS_MAX });
  const looks = async () => {
    await settled(page);
    await done(page, "B");
    await page.locator("[data-query=B] [data-editor]").waitFor({ timeout: PAGE_MS_MAX });
    return page.evaluate(() => {
      const shadow = (host) => host?.querySelector("div[class*=editor] > *, *")?.textContent ?? "";
      return [...document.querySelectorAll("[data-query]")].map((one) => `${one.dataset.query} ${shadow(one).length} ${[...one.querySelectorAll("[aria-pressed=true]")].map((button) => button.textContent).join()} ${one.querySelectorAll("tbody tr").length > 0}`).join("|");
    });
  };
  const before = await looks();
  const url = page.url();
  await page.reload();
  check((await looks()) === before && page.url() === url, "query: a reload shows the same view");
  check((await editor(page, "A").innerText()) === RATE, "query: a reload keeps the text");
  await page.keyboard.press("Escape");
  await page.evaluate(() => document.getElementById("main")?.focus());
  await page.keyboard.press("y");
  await page.getByText("Link copied").waitFor({ timeout: PAGE_MS_MAX });
  await panel(page, "B").getByRole("button", { name: "Remove query B" }).click();
  await panel(page, "B").waitFor({ state: "detached", timeout: PAGE_MS_MAX });
  await page.goBack();
  await panel(page, "B").waitFor({ timeout: PAGE_MS_MAX });
  // Leaving the page loses no query.
  await page.evaluate(() => document.getElementById("main")?.focus());
  await page.keyboard.press("g");
  await page.keyboard.press("h");
  await page.waitForURL(/\/app\/?(\?|$)/, { timeout: PAGE_MS_MAX });
  await page.keyboard.press("g");
  await page.keyboard.press("e");
  await done(page, "B");
  check((await editor(page, "A").innerText()) === RATE, "query: what was asked is there again after leaving");
  const reports = await page.evaluate(() => globalThis.policyReports);
  check(reports.length === 0, `query: policy reports: ${reports.join("; ")}`);
  for (const trouble of troubles) check(false, `query: ${trouble}`);
  await page.context().close();
}

/** One crosshair over all charts; drawing over a time shows it, a double click leads back. */
async function crosshair(page) {
  const over = page.locator("[data-query=A] .u-over");
  const box = await over.boundingBox();
  await page.mouse.move(box.x + box.width * 0.9, box.y + 60);
  await page.locator("[data-query=B]").getByRole("columnheader", { name: "Here" }).waitFor({ timeout: PAGE_MS_MAX });
  await page.mouse.move(box.x + box.width * 0.7, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.95, box.y + 60, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/from=/, { timeout: PAGE_MS_MAX });
  await done(page, "A");
  await page.locator("[data-query=A] .u-over").dblclick();
  await page.waitForURL((url) => !url.searchParams.has("from"), { timeout: PAGE_MS_MAX });
  await done(page, "A");
  await page.mouse.move(2, 2);
  await page.locator("[data-query=A] [role=img]").first().focus();
  await page.keyboard.press("ArrowLeft");
  await page.locator("[data-query=A]").getByRole("columnheader", { name: "Here" }).waitFor({ timeout: PAGE_MS_MAX });
  const grip = page.getByRole("slider", { name: "Begin of the time shown" });
  await grip.focus();
  await page.keyboard.press("ArrowRight");
  await focusSeen(page, "on the overview's grip");
  await page.waitForURL(/from=/, { timeout: PAGE_MS_MAX });
  await page.goBack();
  await page.waitForURL((url) => !url.searchParams.has("from"), { timeout: PAGE_MS_MAX });
  await done(page, "A");
}

async function table(page) {
  await panel(page, "B").getByRole("button", { name: "Table" }).click();
  const values = panel(page, "B").getByRole("region", { name: "Values" });
  await values.waitFor({ timeout: PAGE_MS_MAX });
  await values.getByRole("button", { name: /^Value/ }).click();
  await page.waitForFunction(() => document.querySelector("[data-query=B] th[aria-sort=descending]") !== null, undefined, { timeout: PAGE_MS_MAX });
  const numbers = await values.locator("tbody tr td:nth-last-child(2)").allInnerTexts();
  check(numbers.length > 0 && numbers.every((text, i) => i === 0 || Number(numbers[i - 1]) >= Number(text)), `table: sorted by value: ${numbers.slice(0, 5).join(" ")}`);
  await panel(page, "B").getByRole("button", { name: "TSV" }).click();
  await page.getByText(/copied as TSV/).waitFor({ timeout: PAGE_MS_MAX });
}

/** An error is shown where it stands, with a hint; what runs can be stopped. */
export async function byMistake(browser) {
  const page = await open(browser, MODES[0], []);
  let slow = false;
  await page.route("**/api/v1/query_range*", async (route) => {
    if (slow) await new Promise((go) => setTimeout(go, 3_000));
    await route.continue().catch(() => {});
  });
  await page.goto(`${base}/app/explore`);
  await settled(page);
  await page.locator("[data-editor]").first().waitFor({ timeout: PAGE_MS_MAX });
  await write(page, "A", `sum(ratee(${METRIC}[5m]))`);
  await page.keyboard.press("Control+Enter");
  const alert = panel(page, "A").getByRole("alert");
  await alert.waitFor({ timeout: PAGE_MS_MAX });
  await alert.getByText("Did you mean rate?").waitFor({ timeout: PAGE_MS_MAX });
  await page.locator(".cm-lintRange-error").first().waitFor({ timeout: PAGE_MS_MAX });
  check((await page.locator(".cm-lintRange-error").first().innerText()) === "ratee", "mistake: the squiggle is under the word");
  await alert.getByRole("button", { name: "1:5" }).click();
  await page.keyboard.insertText("rate");
  slow = true;
  await page.keyboard.press("Control+Enter");
  const cancel = page.getByRole("button", { name: "Cancel query A" });
  await cancel.waitFor({ timeout: PAGE_MS_MAX });
  await page.waitForFunction(() => /[0-9]\.[1-9] s/.test(document.querySelector("[data-query=A]")?.textContent ?? ""), undefined, { timeout: PAGE_MS_MAX });
  await cancel.click();
  await page.getByText("Cancelled.").waitFor({ timeout: PAGE_MS_MAX });
  slow = false;
  await page.getByRole("button", { name: "Run it again" }).click();
  await done(page, "A");
  await page.context().close();
}

/** What is likely wrong is underlined as one types, and goes away by its fix: by pointing at it, and by keyboard alone. */
export async function byFinding(browser) {
  const troubles = [];
  const page = await open(browser, MODES[0], troubles);
  await page.goto(`${base}/app/explore`);
  await settled(page);
  await page.locator("[data-editor]").first().waitFor({ timeout: PAGE_MS_MAX });
  // Behind a character of four bytes and two units, where the edit must not slip.
  const raw = `sum({__name__="${METRIC}", x!="😀"})`;
  await write(page, "A", raw);
  const mark = page.locator(".cm-lintRange-warning").first();
  await mark.waitFor({ timeout: PAGE_MS_MAX });
  await mark.hover();
  const fix = page.locator(".cm-tooltip-lint .cm-diagnosticAction").first();
  await fix.waitFor({ timeout: PAGE_MS_MAX });
  await page.screenshot({ path: join(out, "explore-finding.png") });
  await fix.click();
  const fixed = raw.replace("sum(", "sum(rate(").replace(/\)$/, "[5m]))");
  check((await editor(page, "A").innerText()) === fixed, `finding: the fix makes ${await editor(page, "A").innerText()}`);
  await page.locator(".cm-lintRange").first().waitFor({ state: "detached", timeout: PAGE_MS_MAX });
  await write(page, "A", `histogram_quantile(95, ${METRIC.replace("_count", "_bucket")})`);
  await page.locator(".cm-lintRange").first().waitFor({ timeout: PAGE_MS_MAX });
  await page.keyboard.press("Control+Shift+KeyM");
  const list = page.locator(".cm-panel-lint");
  await list.waitFor({ timeout: PAGE_MS_MAX });
  await page.screenshot({ path: join(out, "explore-findings.png") });
  await list.getByText("0.95").first().waitFor({ timeout: PAGE_MS_MAX });
  await page.keyboard.press("Escape");
  await list.waitFor({ state: "detached", timeout: PAGE_MS_MAX });
  const reports = await page.evaluate(() => globalThis.policyReports);
  check(reports.length === 0, `finding: policy reports: ${reports.join("; ")}`);
  for (const trouble of troubles) check(false, `finding: ${trouble}`);
  await page.context().close();
}

/** The browser of metrics and labels, by keyboard. */
export async function byBrowsing(browser) {
  const troubles = [];
  const page = await open(browser, MODES[0], troubles);
  await page.goto(`${base}/app/explore`);
  await settled(page);
  await page.locator("[data-editor]").first().waitFor({ timeout: PAGE_MS_MAX });
  await page.keyboard.press("/");
  await focusSeen(page, "in the search for metrics");
  await page.keyboard.type(METRIC.slice(0, 12));
  await page.locator("#explore-metrics [role=option]").first().waitFor({ timeout: PAGE_MS_MAX });
  await page.keyboard.press("ArrowDown");
  const active = await page.getByRole("combobox", { name: /Search metrics/ }).getAttribute("aria-activedescendant");
  check(active?.endsWith("-1"), `browser: the arrow marks the second row: ${active}`);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await done(page, "A");
  check((await editor(page, "A").innerText()).startsWith(METRIC.slice(0, 12)), "browser: Enter asks for the metric");
  await page.keyboard.press("Escape");
  await page.evaluate(() => document.getElementById("main")?.focus());
  await page.keyboard.press("/");
  await page.keyboard.press("Control+a");
  await page.keyboard.type(METRIC);
  await page.locator("#explore-metrics [role=option]").first().waitFor({ timeout: PAGE_MS_MAX });
  await page.keyboard.press("ArrowRight");
  const values = page.locator("aside details[open] input[type=checkbox]");
  await values.first().waitFor({ timeout: PAGE_MS_MAX });
  await values.first().focus();
  await page.keyboard.press("Space");
  await page.getByRole("button", { name: "Query its rate" }).focus();
  await page.keyboard.press("Enter");
  await done(page, "A");
  check(/^rate\(http_server_request_duration_seconds_count\{.+="[^"]+"\}\[5m\]\)$/.test(panesOf(page)[0]?.x ?? ""), `browser: the selector is built by choosing: ${panesOf(page)[0]?.x}`);
  for (const trouble of troubles) check(false, `browser: ${trouble}`);
  await page.context().close();
}

/** From the top list to the series behind it, and on to a query. */
export async function byCardinality(browser) {
  const troubles = [];
  const page = await open(browser, MODES[0], troubles);
  await page.goto(`${base}/app/explore/cardinality`);
  await settled(page);
  const all = page.getByRole("button", { name: "Count all series" });
  if ((await all.count()) > 0) await all.click();
  else await page.locator("main [data-row]").first().click();
  await page.waitForURL(/match=/, { timeout: PAGE_MS_MAX });
  await page.getByText("In focus").waitFor({ timeout: PAGE_MS_MAX });
  await page.getByText("Labels by values").waitFor({ timeout: PAGE_MS_MAX });
  await settled(page);
  await page.getByRole("link", { name: /^Explore ./ }).first().click();
  await page.waitForURL(/\/explore\?/, { timeout: PAGE_MS_MAX });
  await done(page, "A");
  for (const trouble of troubles) check(false, `cardinality: ${trouble}`);
  await page.context().close();
}
