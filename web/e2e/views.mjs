// Every page, with what is opened on it. The list is fixed: what has no data to show fails.

import { api } from "./browser.mjs";

function need(what, found) {
  if (found === undefined) throw new Error(`the walk needs ${what}, and the server has none`);
  return found;
}

const press = (key) => (page) => page.keyboard.press(key);

/** While the incident is open. */
export async function openViews(ackPath) {
  const slo = need("an SLO", (await api("slos")).items[0]);
  const incident = need("an open incident", (await api("incidents?status=open")).items[0]);
  const service = need("a service", (await api("services")).items[0]);
  const verdict = need("a verdict of the gate", (await api("gate/verdicts")).items[0]);
  const deploy = need("a deploy", (await api("deploys")).items[0]);
  const entry = need("an entry on the timeline", (await api(`incidents/${incident.id}/timeline`)).entries[0]);
  need("a rollback that is offered", (await api(`incidents/${incident.id}`)).rollback ?? undefined);
  const room = `app/incidents/${incident.id}`;
  return [
    { name: "now", path: "app/" },
    { name: "slos", path: "app/slos" },
    { name: "slos-filtered", path: "app/slos?q=checkout&sort=burn6h" },
    { name: "incidents", path: "app/incidents" },
    { name: "deploys", path: "app/deploys" },
    { name: "services", path: "app/services" },
    { name: "connect", path: "app/connect" },
    { name: "connect-grpc", path: "app/connect?way=rust&protocol=grpc" },
    { name: "connect-collector", path: "app/connect?way=collector" },
    { name: "connect-prometheus", path: "app/connect?way=prometheus" },
    { name: "not-found", path: "app/no-such-page", shows: "There is no such page" },
    { name: "no-such-slo", path: "app/slos/no-such-slo", shows: "Not found", fails: true },
    { name: "no-such-verdict", path: "app/deploys?verdict=gat_00000000000000000000000000", shows: "Not found", fails: true, over: true },
    { name: "palette", path: "app/", act: press("Control+k") },
    { name: "shortcuts", path: "app/", act: press("?") },
    { name: "user-menu", path: "app/", act: (page) => page.getByRole("button", { name: /User menu/ }).click() },
    { name: "slo", path: `app/slos/${slo.name}?range=1h` },
    { name: "slo-30d", path: `app/slos/${slo.name}?range=30d` },
    { name: "slo-compared", path: `app/slos/${slo.name}?range=1h&compare=true`, shows: "the period before" },
    { name: "slo-query", path: `app/slos/${slo.name}`, act: (page) => page.getByRole("button", { name: /^Burn over/ }).first().click() },
    { name: "incident", path: room, shows: "Burns now" },
    { name: "incident-entry", path: `${room}#fact-${entry.fact.seq}` },
    { name: "incident-resolve", path: room, act: press("d") },
    { name: "incident-rollback", path: room, shows: "What will run", act: press("b") },
    { name: "incident-commands", path: room, act: (page) => page.keyboard.press("m").then(() => page.keyboard.type("/")), shows: "change the severity" },
    { name: "service-drawer", path: `app/services?peek=${service.name}&peek_env=${service.environment}`, over: true },
    { name: "verdict-drawer", path: `app/deploys?verdict=${verdict.id}`, over: true },
    { name: "deploy-drawer", path: `app/deploys?deploy=${deploy.id}`, shows: "What it did to the SLOs", over: true },
    { name: "sign-in", path: "p/sign-in?next=/app/slos", shows: "Sign in", plain: true },
    { name: "signed-link", path: need("a link of a page to acknowledge", ackPath), shows: "Acknowledge as", plain: true },
    { name: "signed-link-wrong", path: "p/acknowledge/nonsense", plain: true, fails: true },
  ];
}

/** Once it is resolved. */
export async function resolvedViews() {
  const incident = need("a resolved incident", (await api("incidents?status=resolved")).items[0]);
  return [
    { name: "resolved-now", path: "app/" },
    { name: "resolved-incidents", path: "app/incidents?status=resolved" },
    { name: "resolved-incident", path: `app/incidents/${incident.id}`, shows: "resolved" },
    { name: "postmortem", path: `app/incidents/${incident.id}/postmortem`, shows: "sections from data" },
  ];
}
