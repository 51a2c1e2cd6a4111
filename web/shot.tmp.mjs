import { chromium } from "playwright-core";
const base = process.argv[2], out = process.argv[3];
const get = async (p) => (await fetch(base + "/evenkeel/v1" + p)).json();
let inc;
for (let i = 0; i < 400; i++) {
  const l = await get("/incidents?status=open").catch(() => ({ items: [] }));
  if (l.items.length) { inc = await get("/incidents/" + l.items[0].id); if (inc.acts.some((a) => a.state === "succeeded")) break; }
  await new Promise((r) => setTimeout(r, 500));
}
await new Promise((r) => setTimeout(r, 6000));
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
for (const scheme of ["light", "dark"]) {
  const page = await (await browser.newContext({ colorScheme: scheme, viewport: { width: 1366, height: 900 }, reducedMotion: "reduce" })).newPage();
  const id = (await get("/incidents")).items[0].id;
  for (const [name, path] of [["incident", `/app/incidents/${id}`], ["now", "/app/now"], ["slo", "/app/slos/checkout-availability"], ["deploys", "/app/deploys"], ["services", "/app/services"], ["slos", "/app/slos"]]) {
    await page.goto(base + path); await page.waitForTimeout(1800);
    await page.screenshot({ path: `${out}/${name}-${scheme}.png`, fullPage: name !== "incident" ? false : false });
  }
}
await browser.close();
