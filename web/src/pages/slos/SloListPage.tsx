// All SLOs, worst budget first.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { slosQuery } from "../../api/queries";
import type { Slo } from "../../api/schema";
import { burn, duration, percent, windowName } from "../../lib/format";
import type { SloSort } from "../../router";
import { inScope, useScope, useTitle } from "../../shell/scope";
import { BudgetBar, css as ui, cx, Empty, Loaded, Panel, State } from "../../ui/basics";
import css from "./slos.module.css";

const route = getRouteApi("/slos");

const KEYS: Record<SloSort, (slo: Slo) => number | string> = {
  budget: (slo) => slo.budget.left_ratio ?? Number.POSITIVE_INFINITY,
  name: (slo) => slo.name,
  objective: (slo) => slo.objective,
  sli: (slo) => slo.sli ?? Number.POSITIVE_INFINITY,
  burn: (slo) => -(slo.burns[0]?.long.burn ?? -1),
  exhaustion: (slo) => slo.time_to_exhaustion_seconds ?? Number.POSITIVE_INFINITY,
  owner: (slo) => slo.owner ?? "\uffff",
};

function sorted(slos: Slo[], sort: SloSort, down: boolean): Slo[] {
  const key = KEYS[sort];
  return slos.toSorted((a, b) => {
    const [x, y] = [key(a), key(b)];
    return (x < y ? -1 : x > y ? 1 : a.name < b.name ? -1 : 1) * (down ? -1 : 1);
  });
}

export function SloListPage() {
  useTitle("SLOs");
  const scope = useScope();
  const { q = "", sort = "budget", down = false } = route.useSearch();
  const navigate = route.useNavigate();
  const slos = useQuery(slosQuery);
  const wanted = (slo: Slo) => inScope(scope, slo) && `${slo.name} ${slo.display_name} ${slo.service} ${slo.owner ?? ""}`.toLowerCase().includes(q.toLowerCase());
  const sortBy = (next: SloSort) => void navigate({ search: (old) => ({ ...old, sort: next, down: next === sort && !down ? true : undefined }), replace: true });
  return (
    <main className={ui.page} id="main" tabIndex={-1}>
      <div className={ui.pageHead}>
        <h1 className={ui.grow}>SLOs</h1>
        <label className={css.filter}>
          <span className="visually-hidden">Filter by name, service or owner</span>
          <input data-filter className={ui.input} type="search" placeholder="Filter   /" value={q} onChange={(event) => void navigate({ search: (old) => ({ ...old, q: event.target.value || undefined }), replace: true })} />
        </label>
      </div>
      <Loaded query={slos} what="SLOs">
        {(list) => {
          if (list.items.length === 0) return <NoSlo />;
          const shown = sorted(list.items.filter(wanted), sort, down);
          return (
            <>
              <Bands slos={shown} />
              <Panel title={`${shown.length} of ${list.items.length}`}>
                {shown.length === 0 ? <Empty title="No SLO matches the filter and the scope." /> : <SloTable slos={shown} sort={sort} down={down} sortBy={sortBy} />}
              </Panel>
            </>
          );
        }}
      </Loaded>
    </main>
  );
}

function NoSlo() {
  return (
    <section className={ui.panel}>
      <Empty title="There is no SLO yet." command="evenkeel check ./production && evenkeel apply ./production">
        Write an OpenSLO v1 document into the production repo’s <code>slos/</code>, over spans or over metrics, and apply the repo:
      </Empty>
    </section>
  );
}

function Bands({ slos }: { slos: Slo[] }) {
  const states = ["exhausted", "burning", "insufficient_data", "ok"] as const;
  return (
    <div className={css.bands}>
      {states.map((state) => {
        const n = slos.filter((slo) => slo.state === state).length;
        return n > 0 && <State key={state} value={state} label={`${n} ${state.replace("_", " ")}`} />;
      })}
    </div>
  );
}

const COLUMNS: [SloSort | undefined, string, boolean][] = [
  [undefined, "State", false],
  ["name", "SLO", false],
  ["objective", "Objective", true],
  ["sli", "SLI", true],
  ["budget", "Budget left", false],
  ["burn", "Burn 1h", true],
  [undefined, "6h", true],
  [undefined, "3d", true],
  ["exhaustion", "Gone in", true],
  ["owner", "Owner", false],
];

function SloTable({ slos, sort, down, sortBy }: { slos: Slo[]; sort: SloSort; down: boolean; sortBy: (sort: SloSort) => void }) {
  return (
    <div className={ui.scroll} tabIndex={0} role="region" aria-label="SLOs">
      <table className={ui.table}>
        <thead>
          <tr>
            {COLUMNS.map(([key, label, numeric]) => (
              <th key={label} scope="col" className={numeric ? ui.num : undefined} aria-sort={key === sort ? (down ? "descending" : "ascending") : undefined}>
                {key ? (
                  <button type="button" onClick={() => sortBy(key)}>
                    {label} {key === sort ? (down ? "↓" : "↑") : ""}
                  </button>
                ) : (
                  label
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {slos.map((slo) => (
            <Row key={slo.name} slo={slo} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function longBurn(slo: Slo, seconds: number): number | null | undefined {
  return slo.burns.find((row) => row.long.window_seconds === seconds)?.long.burn;
}

function Row({ slo }: { slo: Slo }) {
  return (
    <tr>
      <td>
        <State value={slo.state} />
      </td>
      <td className={css.name}>
        <Link to="/slos/$name" params={{ name: slo.name }} data-row>
          {slo.display_name || slo.name}
        </Link>
        <p>
          {slo.service} · {slo.environment}
        </p>
      </td>
      <td className={ui.num}>
        {percent(slo.objective)} <span className={ui.muted}>/ {windowName(slo.window_seconds)}</span>
      </td>
      <td className={ui.num}>{percent(slo.sli)}</td>
      <td>
        <div className={ui.budget}>
          <BudgetBar ratio={slo.budget.left_ratio} />
          <span>{percent(slo.budget.left_ratio, 1)}</span>
        </div>
      </td>
      {[3_600, 21_600, 259_200].map((seconds) => (
        <td key={seconds} className={cx(ui.num)}>
          {burn(longBurn(slo, seconds))}
        </td>
      ))}
      <td className={ui.num}>{slo.time_to_exhaustion_seconds == null ? <span className={ui.muted}>not spent down</span> : duration(slo.time_to_exhaustion_seconds)}</td>
      <td className={ui.nowrap}>{slo.owner ?? <span className={ui.muted}>none</span>}</td>
    </tr>
  );
}
