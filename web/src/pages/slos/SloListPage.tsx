// All SLOs, worst budget first.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { slosQuery } from "../../api/queries";
import type { Slo } from "../../api/schema";
import { budgetPercent, burn, duration, percent, windowName } from "../../lib/format";
import type { SloSort } from "../../router";
import { inScope, useScope, useTitle } from "../../shell/scope";
import { BudgetBar, Button, css as ui, cx, Empty, Loaded, Panel, Pill, State } from "../../ui/basics";
import { BAND_NAMES, bandOf, BANDS, BURN_WINDOWS, csv, HOUR_S, labelsOf, longBurn, matches, type Band } from "./list";
import css from "./slos.module.css";

const route = getRouteApi("/slos");

const burnKey = (seconds: number) => (slo: Slo) => -(longBurn(slo, seconds) ?? -1);
const KEYS: Record<SloSort, (slo: Slo) => number | string> = {
  budget: (slo) => slo.budget.left_ratio ?? Number.POSITIVE_INFINITY,
  name: (slo) => slo.name,
  objective: (slo) => slo.objective,
  sli: (slo) => slo.sli ?? Number.POSITIVE_INFINITY,
  burn: burnKey(HOUR_S),
  burn6h: burnKey(6 * HOUR_S),
  burn3d: burnKey(72 * HOUR_S),
  exhaustion: (slo) => slo.time_to_exhaustion_seconds ?? Number.POSITIVE_INFINITY,
  firing: (slo) => -slo.burns.filter((row) => row.firing).length,
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
  const { q = "", sort = "budget", down = false, band } = route.useSearch();
  const navigate = route.useNavigate();
  const slos = useQuery(slosQuery);
  const sortBy = (next: SloSort) => void navigate({ search: (old) => ({ ...old, sort: next, down: next === sort && !down ? true : undefined }), resetScroll: false });
  return (
    <main className={ui.page} id="main" tabIndex={-1}>
      <div className={ui.pageHead}>
        <h1 className={ui.grow}>SLOs</h1>
        <label className={css.filter}>
          <span className="visually-hidden">Filter by name, service, owner or label</span>
          {/* A letter is no step to go back to. */}
          <input data-filter className={ui.input} type="search" placeholder="Name, service, tier=1   /" value={q} onChange={(event) => void navigate({ search: (old) => ({ ...old, q: event.target.value || undefined }), replace: true })} />
        </label>
      </div>
      <Loaded query={slos} what="SLOs">
        {(list) => {
          if (list.items.length === 0) return <NoSlo />;
          const wanted = list.items.filter((slo) => inScope(scope, slo) && matches(slo, q));
          const shown = sorted(wanted, sort, down).filter((slo) => band === undefined || bandOf(slo.budget.left_ratio) === band);
          return (
            <>
              <BandCounters slos={wanted} chosen={band} />
              <Panel
                title={`${shown.length} of ${list.items.length}`}
                actions={
                  <Button small onClick={() => save(shown)}>
                    CSV
                  </Button>
                }
              >
                {shown.length === 0 ? <Empty title="No SLO matches the filter and the scope." /> : <SloTable slos={shown} sort={sort} down={down} sortBy={sortBy} />}
              </Panel>
            </>
          );
        }}
      </Loaded>
    </main>
  );
}

function save(slos: Slo[]): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv(slos)], { type: "text/csv" }));
  link.download = `slos-${new Date().toISOString().slice(0, 10)}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
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

/** How many have how much of their budget left; a band is a filter. */
function BandCounters({ slos, chosen }: { slos: Slo[]; chosen: Band | undefined }) {
  return (
    <nav className={css.bands} aria-label="Budget left">
      {BANDS.map((band) => {
        const n = slos.filter((slo) => bandOf(slo.budget.left_ratio) === band).length;
        return (
          <Link key={band} to="/slos" search={(old) => ({ ...old, band: band === chosen ? undefined : band })} resetScroll={false} className={css.band} data-band={band} data-none={n === 0} aria-current={band === chosen ? "true" : undefined}>
            <b>{n}</b> {BAND_NAMES[band]}
          </Link>
        );
      })}
    </nav>
  );
}

const COLUMNS: [SloSort | undefined, string, boolean][] = [
  [undefined, "State", false],
  ["name", "SLO", false],
  ["objective", "Objective", true],
  ["sli", "SLI", true],
  ["budget", "Budget left", false],
  ["burn", "Burn 1h", true],
  ["burn6h", "6h", true],
  ["burn3d", "3d", true],
  ["exhaustion", "Gone in", true],
  ["firing", "Firing", false],
  ["owner", "Owner", false],
];

function SloTable({ slos, sort, down, sortBy }: { slos: Slo[]; sort: SloSort; down: boolean; sortBy: (sort: SloSort) => void }) {
  return (
    <div className={ui.scroll} tabIndex={0} role="region" aria-label="SLOs">
      <table className={cx(ui.table, css.dense)}>
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

function Row({ slo }: { slo: Slo }) {
  return (
    <tr>
      <td>
        <State value={slo.state} label={slo.state === "insufficient_data" ? "no data" : undefined} />
      </td>
      <td className={css.name}>
        <Link to="/slos/$name" params={{ name: slo.name }} data-row>
          {slo.display_name || slo.name}
        </Link>
        <p>
          {slo.service} · {slo.environment}
          {labelsOf(slo).map((label) => (
            <Link key={label} to="/slos" search={(old) => ({ ...old, q: label })} className={css.label} title="Show only these">
              {label}
            </Link>
          ))}
        </p>
      </td>
      <td className={ui.num}>
        {percent(slo.objective)} <span className={ui.muted}>/ {windowName(slo.window_seconds)}</span>
      </td>
      <td className={ui.num}>{percent(slo.sli)}</td>
      <td>
        <div className={ui.budget}>
          <BudgetBar ratio={slo.budget.left_ratio} />
          <span>{budgetPercent(slo.budget.left_ratio)}</span>
        </div>
      </td>
      {BURN_WINDOWS.map((seconds) => (
        <td key={seconds} className={ui.num}>
          {burn(longBurn(slo, seconds))}
        </td>
      ))}
      <td className={ui.num}>{slo.time_to_exhaustion_seconds == null ? <span className={ui.muted} title="The budget is not being spent down">–</span> : duration(slo.time_to_exhaustion_seconds)}</td>
      <td className={ui.nowrap}>
        <Firing slo={slo} />
      </td>
      <td className={ui.nowrap}>{slo.owner ?? <span className={ui.muted}>none</span>}</td>
    </tr>
  );
}

function Firing({ slo }: { slo: Slo }) {
  const firing = slo.burns.filter((row) => row.firing);
  if (firing.length === 0) return <span className={ui.muted}>none</span>;
  const pages = firing.some((row) => row.severity === "page");
  return (
    <Pill tone={pages ? "bad" : "warn"} icon="fire">
      {pages ? "page" : "ticket"} {windowName(firing[0]!.long.window_seconds)}
      {firing.length > 1 && ` +${firing.length - 1}`}
    </Pill>
  );
}
