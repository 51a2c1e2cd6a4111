// What may have caused it, most likely first, and the way back.

import { useState } from "react";
import type { Evidence, Incident, Suspect } from "../../api/schema";
import { count, word } from "../../lib/format";
import { useShortcut } from "../../shell/keys";
import { Button, css as ui, Empty, Panel, Pill } from "../../ui/basics";
import { Icon } from "../../ui/icons";
import { Time } from "../../ui/time";
import css from "./incidents.module.css";
import { RollBackButton, RollBackDialog } from "./RollBack";

export function Suspects({ incident }: { incident: Incident }) {
  const { suspects } = incident;
  const offer = incident.summary.status === "resolved" ? null : incident.rollback;
  const [asking, setAsking] = useState(false);
  useShortcut("b", offer ? () => setAsking(true) : undefined);
  const named = offer && suspects.some((suspect) => suspect.deploy === offer.deploy.id);
  return (
    <Panel title="Suspects" note="changes and dependencies, most likely first">
      {suspects.length === 0 ? (
        <Empty title="Nothing stands out yet.">No change in the last two hours and no failing dependency explains the failures so far.</Empty>
      ) : (
        <ol>
          {suspects.map((suspect) => (
            <SuspectItem key={suspect.rank} suspect={suspect} onRollBack={offer?.deploy.id === suspect.deploy && offer ? () => setAsking(true) : undefined} />
          ))}
        </ol>
      )}
      {offer && !named && (
        <div className={css.suspect}>
          <RollBackButton offer={offer} onClick={() => setAsking(true)} />
        </div>
      )}
      {offer && <RollBackDialog id={incident.summary.id} offer={offer} open={asking} onClose={() => setAsking(false)} />}
    </Panel>
  );
}

function SuspectItem({ suspect, onRollBack }: { suspect: Suspect; onRollBack: (() => void) | undefined }) {
  return (
    <li className={css.suspect}>
      <div className={css.row}>
        <span className={css.rank}>{suspect.rank}</span>
        <h3>{suspect.title}</h3>
        <Pill tone={suspect.rank === 1 ? "warn" : "unknown"} icon={suspect.kind === "dependency" ? "services" : "deploy"}>
          {word(suspect.kind)}
        </Pill>
        {suspect.at && (
          <span className={ui.muted}>
            <Time at={suspect.at} />
            {suspect.by && <> by {suspect.by}</>}
          </span>
        )}
      </div>
      <ul className={css.evidence}>
        {suspect.evidence.map((item) => (
          <EvidenceItem key={item.sentence} item={item} />
        ))}
      </ul>
      {onRollBack && (
        <div>
          <Button look="danger" onClick={onRollBack} aria-keyshortcuts="b">
            <Icon name="undo" /> Roll back…
          </Button>
        </div>
      )}
    </li>
  );
}

function EvidenceItem({ item }: { item: Evidence }) {
  return (
    <li className={item.supports ? css.for : css.against}>
      <Icon name={item.supports ? "incident" : "check"} size={13} />
      <span>
        <span className="visually-hidden">{item.supports ? "For: " : "Against: "}</span>
        {item.sentence}{" "}
        {item.matching != null && item.of != null && (
          <span className={ui.muted}>
            ({count(item.matching)} of {count(item.of)})
          </span>
        )}
        {item.trace_id && <code className={ui.muted}> trace {item.trace_id.slice(0, 8)}</code>}
      </span>
    </li>
  );
}
