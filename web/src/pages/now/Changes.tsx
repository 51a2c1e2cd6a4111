// What changed in the last two hours: deploys, and the configuration.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { configQuery, deploysQuery, statusQuery } from "../../api/queries";
import { useScope } from "../../shell/scope";
import { css as ui, Empty, Loaded, Panel, Pill, State } from "../../ui/basics";
import { Time, useNow } from "../../ui/time";
import { changesSince, type Change } from "./changes";
import css from "./now.module.css";

const CHANGES_MS = 2 * 3_600_000;

export function Changes() {
  const scope = useScope();
  const deploys = useQuery(deploysQuery(scope));
  const lastSeq = useQuery(statusQuery).data?.journal.last_seq;
  const configs = useQuery({ ...configQuery(lastSeq ?? 0), enabled: lastSeq !== undefined });
  const now = useNow();
  return (
    <Panel title="Changed in the last 2 hours" actions={<Link to="/deploys">All deploys</Link>}>
      <Loaded query={deploys} what="deploys">
        {(list) => {
          const recent = changesSince(now - CHANGES_MS, list.items, configs.data?.items ?? []);
          if (recent.length === 0)
            return (
              <Empty title="Nothing was recorded." command="evenkeel deploy record --service checkout --version 1.9.1 --env production">
                What Evenkeel does not know of, it cannot suspect. Let the pipeline record each deploy:
              </Empty>
            );
          return (
            <ul className={css.rows}>
              {recent.map((change) => (
                <Row key={change.key} change={change} />
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Panel>
  );
}

function Row({ change }: { change: Change }) {
  if ("deploy" in change) {
    const { deploy } = change;
    return (
      <li>
        <div className={css.main}>
          <Link to="/deploys" search={(old) => ({ ...old, deploy: deploy.id })} data-row>
            {deploy.service} {deploy.version}
          </Link>
          <p>
            {deploy.environment} · {deploy.by.id} · <Time at={change.at} relative />
          </p>
        </div>
        <State value={deploy.state} label={deploy.rolls_back ? "rollback" : undefined} />
      </li>
    );
  }
  const [first, ...more] = change.sentences;
  return (
    <li>
      <div className={css.main}>
        <span className={ui.strong}>Configuration applied</span>
        <p title={change.sentences.join("\n")}>
          {first ?? "no change of meaning"}
          {more.length > 0 && ` and ${more.length} more`}
        </p>
        <p>
          {change.config.actor.id} via {change.config.actor.via} · <Time at={change.at} relative />
        </p>
      </div>
      <Pill tone="info" icon="note">
        config
      </Pill>
    </li>
  );
}
