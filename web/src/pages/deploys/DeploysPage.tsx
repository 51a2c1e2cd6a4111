// Deploys, and the gate that they pass.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { deploysQuery, verdictsQuery } from "../../api/queries";
import { useScope, useTitle } from "../../shell/scope";
import { css as ui, cx, Empty, Loaded, Panel } from "../../ui/basics";
import { Drawer } from "../../ui/overlay";
import { DeployDetail } from "./DeployDetail";
import { DeployTable } from "./DeployTable";
import { isNewest, passedBy } from "./gate";
import { GateForm } from "./GateForm";
import { OneVerdict, Verdicts } from "./Verdicts";
import css from "./deploys.module.css";

const route = getRouteApi("/deploys");

export function DeploysPage() {
  useTitle("Deploys and gates");
  const { verdict, deploy } = route.useSearch();
  const navigate = route.useNavigate();
  const close = () => void navigate({ search: (old) => ({ ...old, verdict: undefined, deploy: undefined }), resetScroll: false });
  return (
    <main className={ui.page} id="main" tabIndex={-1}>
      <h1>Deploys and gates</h1>
      <div className={cx(ui.columns, css.columns)}>
        <div className={ui.stack}>
          <DeployPanel />
          <Verdicts />
        </div>
        <GateForm />
      </div>
      <Drawer open={verdict !== undefined} onClose={close} title="Gate verdict">
        <div className={ui.dialogBody}>{verdict && <OneVerdict id={verdict} />}</div>
      </Drawer>
      <Drawer open={deploy !== undefined && verdict === undefined} onClose={close} title="Deploy">
        <div className={ui.dialogBody}>{deploy && <OneDeploy id={deploy} />}</div>
      </Drawer>
    </main>
  );
}

function DeployPanel() {
  const scope = useScope();
  const deploys = useQuery(deploysQuery(scope));
  const verdicts = useQuery(verdictsQuery(scope)).data?.items ?? [];
  return (
    <Panel title="Deploys">
      <Loaded query={deploys} what="deploys">
        {(list) =>
          list.items.length === 0 ? (
            <Empty title="No deploy was recorded." command="evenkeel deploy record --service checkout --version 1.9.1 --env production">
              Let the pipeline record each deploy, by this command, by the API or by CDEvents:
            </Empty>
          ) : (
            <DeployTable deploys={list.items} verdicts={verdicts} />
          )
        }
      </Loaded>
    </Panel>
  );
}

/** The one that the address names, in the scope or outside it. */
function OneDeploy({ id }: { id: string }) {
  const deploys = useQuery(deploysQuery({}));
  const verdicts = useQuery(verdictsQuery({})).data?.items ?? [];
  return (
    <Loaded query={deploys} what="the deploy">
      {(list) => {
        const deploy = list.items.find((item) => item.id === id);
        if (deploy === undefined) return <Empty title="This deploy is not among the newest 200." />;
        return <DeployDetail deploy={deploy} passed={passedBy(deploy, verdicts)} newest={isNewest(deploy, list.items)} />;
      }}
    </Loaded>
  );
}
