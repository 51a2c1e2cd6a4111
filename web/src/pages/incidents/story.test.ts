import { expect, test } from "vitest";
import type { TimelineEntry } from "../../api/schema";
import { told, updateDue } from "./story";

let seq = 0;
const entry = (kind: string, second: number, category = "other", alert?: string) =>
  ({ category, sentence: kind, fact: { seq: ++seq, kind, payload: { alert }, occurred_at: new Date(second * 1000).toISOString() } }) as unknown as TimelineEntry;

test("facts of one moment are told once", () => {
  const check = (entries: TimelineEntry[], expected: string[]) => expect(told(entries).map((line) => [line.entry, ...line.others].map((item) => item.fact.kind.split(".")[1]).join(" "))).toEqual(expected);
  check([entry("alert.fired", 1), entry("incident.opened", 1), entry("incident.alert_joined", 1), entry("notification.queued", 1)], ["opened fired alert_joined", "queued"]);
  const alert = (kind: string, name: string) => entry(kind, 1, "alert", name);
  check([alert("alert.fired", "a"), alert("alert.fired", "b"), alert("incident.alert_joined", "a"), alert("incident.alert_joined", "b")], ["fired alert_joined", "fired alert_joined"]);
  check([alert("alert.fired", "a"), alert("alert.fired", "b"), entry("incident.opened", 1), alert("incident.alert_joined", "a"), alert("incident.alert_joined", "b")], ["opened fired fired alert_joined alert_joined"]);
  check([entry("alert.fired", 1), entry("incident.opened", 60)], ["fired", "opened"]);
  check([entry("incident.impact_measured", 1), entry("incident.impact_measured", 20), entry("incident.updated", 21), entry("incident.impact_measured", 40)], ["impact_measured impact_measured", "updated", "impact_measured"]);
});

test("the newest measurement leads", () => {
  const [first, second] = [entry("incident.impact_measured", 1), entry("incident.impact_measured", 20)];
  expect(told([first, second])[0]).toEqual({ entry: second, others: [first] });
});

test("an update is due half an hour after the last one of a SEV1", () => {
  const opened = new Date(0).toISOString();
  expect(updateDue("sev1", opened, [])).toBe(30 * 60_000);
  expect(updateDue("sev2", opened, [entry("incident.updated", 60, "update"), entry("incident.opened", 90)])).toBe(61 * 60_000);
  expect(updateDue("sev3", opened, [])).toBeUndefined();
});
