// The button that every page about an incident has, and the key `a`.

import { useIncidentChange } from "../../api/queries";
import type { IncidentSummary } from "../../api/schema";
import { Button, Pill } from "../../ui/basics";
import { Icon } from "../../ui/icons";
import { Time } from "../../ui/time";

export function Acknowledge({ incident, small = false }: { incident: IncidentSummary; small?: boolean }) {
  const change = useIncidentChange("acknowledge");
  if (incident.acknowledged)
    return (
      <Pill tone="ok" icon="check">
        <span>
          Acknowledged by {incident.acknowledged.by.id} <Time at={incident.acknowledged.at} relative />
        </span>
      </Pill>
    );
  if (incident.status === "resolved") return null;
  return (
    <>
      <Button look="primary" small={small} disabled={change.isPending} onClick={() => change.mutate({ id: incident.id, body: {} })} aria-keyshortcuts="a">
        <Icon name="check" /> Acknowledge
      </Button>
      {change.error && <span role="alert">{change.error.message}</span>}
    </>
  );
}
