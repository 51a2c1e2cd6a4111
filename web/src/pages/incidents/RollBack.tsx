// The way back: what it touches, what will run, and why.

import { useIncidentChange } from "../../api/queries";
import type { RollbackOffer } from "../../api/schema";
import { Button, Command, css as ui } from "../../ui/basics";
import { FormDialog } from "../../ui/forms";
import { Icon } from "../../ui/icons";
import { Time } from "../../ui/time";
import css from "./incidents.module.css";

export function RollBackButton({ offer, onClick }: { offer: RollbackOffer; onClick: () => void }) {
  return (
    <div>
      <Button look="danger" onClick={onClick} aria-keyshortcuts="b">
        <Icon name="undo" /> Roll {offer.deploy.service} back to {offer.to_version}…
      </Button>
    </div>
  );
}

export function RollBackDialog({ id, offer, open, onClose }: { id: string; offer: RollbackOffer; open: boolean; onClose: () => void }) {
  const rollback = useIncidentChange("rollback");
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title={`Roll ${offer.deploy.service} back`}
      fields={[{ name: "reason", label: "Reason", required: true, hint: "It stands on the timeline and in the audit log." }]}
      submit={`Roll back to ${offer.to_version}`}
      danger
      onSubmit={(values) => rollback.mutateAsync({ id, body: { deploy: offer.deploy.id, reason: values.reason } })}
    >
      <div className={css.effect}>
        <dl className={ui.facts}>
          <dt>Version</dt>
          <dd>
            {offer.from_version} → <strong>{offer.to_version}</strong>
          </dd>
          <dt>Touches</dt>
          <dd>{offer.effect}</dd>
          <dt>Deployed</dt>
          <dd>
            <Time at={offer.deploy.started_at} /> by {offer.deploy.by.id}
          </dd>
          {offer.not_automatic && (
            <>
              <dt>Not automatic</dt>
              <dd>{offer.not_automatic}</dd>
            </>
          )}
        </dl>
      </div>
      <div>
        <p className={ui.muted}>What will run:</p>
        <Command text={offer.command} label="What will run" />
      </div>
    </FormDialog>
  );
}
