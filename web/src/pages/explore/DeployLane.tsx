// Deploys above a chart, each with a line down through it; a click leads to the deploy.

import { Link } from "@tanstack/react-router";
import type { Deploy } from "../../api/schema";
import { clock } from "../../lib/format";
import { usePrefs } from "../../prefs";
import { Icon } from "../../ui/icons";
import css from "./result.module.css";
import type { Grid } from "./state";

/** Nearer ones share a sign. */
const NEAR_PX = 96;

interface Group {
  x: number;
  deploys: Deploy[];
}

export function grouped(deploys: Deploy[], grid: Grid, width: number): Group[] {
  const groups: Group[] = [];
  const inside = deploys.filter((deploy) => Date.parse(deploy.started_at) / 1000 >= grid.start && Date.parse(deploy.started_at) / 1000 <= grid.end).sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));
  for (const deploy of inside) {
    const x = ((Date.parse(deploy.started_at) / 1000 - grid.start) / (grid.end - grid.start || 1)) * width;
    const last = groups.at(-1);
    if (last && x - last.x < NEAR_PX) last.deploys.push(deploy);
    else groups.push({ x, deploys: [deploy] });
  }
  return groups;
}

export function DeployLane({ deploys, grid, area }: { deploys: Deploy[]; grid: Grid; area: { left: number; width: number } }) {
  const { zone } = usePrefs();
  const groups = grouped(deploys, grid, area.width);
  if (groups.length === 0 || area.width === 0) return null;
  return (
    <ul className={css.lane} aria-label="Deploys in this time">
      {groups.map(({ x, deploys: own }) => {
        const [first] = own;
        if (first === undefined) return null;
        const title = own.map((deploy) => `${deploy.service} ${deploy.version} in ${deploy.environment}, ${clock(deploy.started_at, zone, Date.now())}`).join("\n");
        const right = x > area.width * 0.75;
        return (
          <li key={first.id} style={right ? { right: `calc(100% - ${area.left + x}px)` } : { left: area.left + x }} data-right={right}>
            <Link to="/deploys" search={own.length === 1 ? { deploy: first.id } : {}} className={css.deploy} title={title}>
              <Icon name="deploy" size={11} />
              {own.length === 1 ? `${first.service} ${first.version}` : `${own.length} deploys`}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
