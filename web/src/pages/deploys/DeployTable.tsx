// The deploys as a table.

import { Link } from "@tanstack/react-router";
import type { Deploy, GateVerdict } from "../../api/schema";
import { duration } from "../../lib/format";
import { css as ui, Pill, State } from "../../ui/basics";
import { Time } from "../../ui/time";
import { passedBy, tookSeconds, type Passed } from "./gate";

export function DeployTable({ deploys, verdicts }: { deploys: Deploy[]; verdicts: GateVerdict[] }) {
  return (
    <div className={ui.scroll} tabIndex={0} role="region" aria-label="Deploys">
      <table className={ui.table}>
        <thead>
          <tr>
            {["Deploy", "Env", "State", "Started", "Took", "By", "Gate"].map((label) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {deploys.map((deploy) => (
            <Row key={deploy.id} deploy={deploy} passed={passedBy(deploy, verdicts)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ deploy, passed }: { deploy: Deploy; passed: Passed | undefined }) {
  return (
    <tr>
      <td className={ui.nowrap}>
        <Link to="/deploys" search={(old) => ({ ...old, deploy: deploy.id })} resetScroll={false} data-row className={ui.strong}>
          {deploy.service} {deploy.version}
        </Link>
        {deploy.previous_version && <p className={ui.muted}>from {deploy.previous_version}</p>}
      </td>
      <td>{deploy.environment}</td>
      <td className={ui.nowrap}>
        <State value={deploy.state} /> {deploy.rolls_back && <span className={ui.muted}>rollback</span>}
      </td>
      <td className={ui.nowrap}>
        <Time at={deploy.started_at} />
      </td>
      <td className={ui.nowrap}>{duration(tookSeconds(deploy))}</td>
      <td>
        {deploy.by.id} <span className={ui.muted}>{deploy.by.via}</span>
      </td>
      <td className={ui.nowrap}>
        <GateCell passed={passed} />
      </td>
    </tr>
  );
}

/** By which verdict it went; what went against a block stands out. */
export function GateCell({ passed }: { passed: Passed | undefined }) {
  if (passed === undefined) return <span className={ui.muted}>not asked</span>;
  return (
    <>
      <Link to="/deploys" search={(old) => ({ ...old, deploy: undefined, verdict: passed.id })} resetScroll={false}>
        {passed.verdict ? <State value={passed.verdict.outcome} label={OUTCOMES[passed.verdict.outcome]} /> : "verdict"}
      </Link>{" "}
      {passed.against && (
        <Pill tone="warn" icon="incident">
          went against a block
        </Pill>
      )}
    </>
  );
}

const OUTCOMES = { allow: "allowed", block: "blocked", inconclusive: "inconclusive" };
