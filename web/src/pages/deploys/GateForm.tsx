// The form that asks the gate.

import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { servicesQuery, useGateCheck } from "../../api/queries";
import { useScope } from "../../shell/scope";
import { Button, css as ui, Panel, Problem } from "../../ui/basics";
import { environmentsOf } from "../../lib/environments";
import { VerdictView } from "./Verdicts";

export function GateForm() {
  const check = useGateCheck();
  const scope = useScope();
  const services = useQuery(servicesQuery()).data?.items ?? [];
  const [typed, setTyped] = useState<string>();
  const [chosen, setChosen] = useState<string>();
  const service = typed ?? scope.service ?? "";
  const seen = environmentsOf(services, service);
  const environment = chosen ?? (scope.env && (seen.length === 0 || seen.includes(scope.env)) ? scope.env : (seen[0] ?? ""));
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    check.mutate({ service: service.trim(), environment: environment.trim(), version: String(new FormData(event.currentTarget).get("version")).trim() });
  };
  return (
    <Panel title="Ask the gate" note="the verdict is recorded as a fact">
      <form className={ui.dialogBody} onSubmit={send}>
        <label className={ui.field}>
          Service
          <input
            name="service"
            className={ui.input}
            list="gate-services"
            required
            value={service}
            autoComplete="off"
            onChange={(event) => {
              setTyped(event.target.value);
              setChosen(undefined);
            }}
          />
        </label>
        <Options id="gate-services" values={[...new Set(services.map((item) => item.name))]} />
        <label className={ui.field}>
          Version
          <input name="version" className={ui.input} required autoComplete="off" />
        </label>
        <label className={ui.field}>
          Environment
          <input name="environment" className={ui.input} list="gate-environments" required value={environment} autoComplete="off" onChange={(event) => setChosen(event.target.value)} />
          <small>{seen.length > 0 ? `${service} runs in ${seen.join(", ")}` : service === "" ? "as seen for the service" : `${service} was seen in none yet`}</small>
        </label>
        <Options id="gate-environments" values={seen.length > 0 ? seen : environmentsOf(services)} />
        <Problem error={check.error} />
        <div className={ui.dialogFoot}>
          <Button type="submit" look="primary" disabled={check.isPending}>
            May it go out?
          </Button>
        </div>
        <div aria-live="polite">{check.data && <VerdictView verdict={check.data} />}</div>
      </form>
    </Panel>
  );
}

function Options({ id, values }: { id: string; values: string[] }) {
  return (
    <datalist id={id}>
      {values.map((value) => (
        <option key={value} value={value} />
      ))}
    </datalist>
  );
}
