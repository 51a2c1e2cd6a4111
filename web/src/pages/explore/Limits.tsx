// The limits that a query ran under, by the names of their settings, with what it used of them.

import { Popover } from "@base-ui/react/popover";
import { useQuery } from "@tanstack/react-query";
import { flagsQuery } from "../../api/prom";
import { bytes, count, percent } from "../../lib/format";
import { css as ui } from "../../ui/basics";
import css from "./result.module.css";

export interface Used {
  "query.max_samples": number | undefined;
  "query.max_series": number | undefined;
  "query.max_points_per_series": number | undefined;
}

const NAMES = ["query.max_samples", "query.max_series", "query.max_points_per_series", "query.max_memory_bytes", "query.timeout", "query.lookback_delta"] as const;

export function Limits({ used }: { used: Used }) {
  const flags = useQuery(flagsQuery).data;
  if (!flags || !NAMES.some((name) => name in flags)) return null;
  const near = Object.entries(used).find(([name, value]) => value !== undefined && value / Number(flags[name]) > 0.5);
  return (
    <Popover.Root>
      <Popover.Trigger className={ui.query ?? ""}>{near ? `${percent((near[1] ?? 0) / Number(flags[near[0]]), 0)} of ${near[0]}` : "limits"}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} collisionPadding={12} positionMethod="fixed">
          <Popover.Popup className={ui.popover ?? ""}>
            <Popover.Title render={<h3 />}>Limits of a query</Popover.Title>
            <table className={css.limits}>
              <thead>
                <tr>
                  <th scope="col">Setting</th>
                  <th scope="col" className={ui.num}>
                    Limit
                  </th>
                  <th scope="col" className={ui.num}>
                    Used
                  </th>
                </tr>
              </thead>
              <tbody>
                {NAMES.filter((name) => name in flags).map((name) => {
                  const value = name in used ? used[name as keyof Used] : undefined;
                  const limit = Number(flags[name]);
                  return (
                    <tr key={name}>
                      <td className={ui.mono}>{name}</td>
                      <td className={ui.num}>{Number.isNaN(limit) ? flags[name] : name.endsWith("_bytes") ? bytes(limit) : count(limit)}</td>
                      <td className={ui.num}>{value === undefined || Number.isNaN(limit) ? "–" : `${count(value)} (${percent(value / limit, 1)})`}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
