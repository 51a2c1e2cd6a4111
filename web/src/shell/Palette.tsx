// Ctrl-K: go to anything, run an action.

import { Dialog } from "@base-ui/react/dialog";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { isPaused, setPaused } from "../api/live";
import { incidentsQuery, servicesQuery, slosQuery } from "../api/queries";
import { word } from "../lib/format";
import { getPrefs, setPrefs } from "../prefs";
import { css as ui } from "../ui/basics";
import { Icon, type IconName } from "../ui/icons";
import { copyLink } from "./copyLink";
import { GO } from "./keys";
import { useScope } from "./scope";
import css from "./shell.module.css";

interface Entry {
  label: string;
  hint?: string;
  icon: IconName;
  run: () => void;
}

export function Palette({ onClose, onSheet }: { onClose: () => void; onSheet: () => void }) {
  const groups = useEntries(onSheet);
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={ui.backdrop ?? ""} />
        <Dialog.Popup className={css.palette ?? ""} aria-label="Search and actions">
          <Command label="Search and actions" loop filter={score}>
            <Command.Input placeholder="Search services, SLOs, incidents, actions" autoFocus />
            <Command.List label="Results">
              <Command.Empty>Nothing matches.</Command.Empty>
              {groups.map(([heading, entries]) => (
                <Command.Group key={heading} heading={heading}>
                  {entries.map((entry) => (
                    <Command.Item
                      key={entry.label + (entry.hint ?? "")}
                      value={`${heading} ${entry.label} ${entry.hint ?? ""}`}
                      onSelect={() => {
                        onClose();
                        entry.run();
                      }}
                    >
                      <Icon name={entry.icon} />
                      {entry.label}
                      {entry.hint && <small>{entry.hint}</small>}
                    </Command.Item>
                  ))}
                </Command.Group>
              ))}
            </Command.List>
          </Command>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** Every word must occur; letters strewn over a long name are no match. A beginning of a word counts more. */
function score(value: string, search: string): number {
  const text = value.toLowerCase();
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.every((word) => text.includes(word))) return 0;
  return words.every((word) => text.startsWith(word) || text.includes(` ${word}`)) ? 1 : 0.5;
}

function useEntries(onSheet: () => void): [string, Entry[]][] {
  const navigate = useNavigate();
  const scope = useScope();
  const incidents = useQuery(incidentsQuery()).data?.items ?? [];
  const slos = useQuery(slosQuery).data?.items ?? [];
  const services = useQuery(servicesQuery()).data?.items ?? [];
  const groups: [string, Entry[]][] = [
    ["Go to", GO.map(([key, path, label]) => ({ label, hint: `g ${key}`, icon: "play", run: () => void navigate({ to: path }) }))],
    ["Incidents", incidents.map(({ id, title, status }) => ({ label: title, hint: word(status), icon: "incident", run: () => void navigate({ to: "/incidents/$id", params: { id } }) }))],
    ["SLOs", slos.map(({ name, display_name, state }) => ({ label: display_name || name, hint: word(state), icon: "slo", run: () => void navigate({ to: "/slos/$name", params: { name } }) }))],
    ["Services", services.map(({ name, environment }) => ({ label: name, hint: environment, icon: "services", run: () => void navigate({ to: "/services", search: { peek: name, peek_env: environment } }) }))],
    [
      "Actions",
      [
        { label: "Query metrics with PromQL", icon: "explore", run: () => void navigate({ to: "/explore" }) },
        { label: "Cardinality: which metrics and labels make the series", icon: "explore", run: () => void navigate({ to: "/explore/cardinality" }) },
        { label: "Check the gate for a deploy", icon: "gate", run: () => void navigate({ to: "/deploys" }) },
        { label: "Copy the link to this view", hint: "y", icon: "copy", run: () => copyLink(scope, false) },
        { label: scope.compare ? "Stop comparing" : "Compare with the period before", hint: "c", icon: "slo", run: () => scope.set({ compare: scope.compare ? undefined : true }) },
        { label: isPaused() ? "Resume live updates" : "Pause live updates", hint: ".", icon: "pause", run: () => setPaused(!isPaused()) },
        ...(["system", "light", "dark"] as const).map((theme) => ({ label: `Theme: ${theme}`, icon: "sun" as const, run: () => setPrefs({ theme }) })),
        { label: getPrefs().zone === "utc" ? "Show local times" : "Show times in UTC", icon: "now", run: () => setPrefs({ zone: getPrefs().zone === "utc" ? "local" : "utc" }) },
        { label: "Keyboard shortcuts", hint: "?", icon: "keyboard", run: onSheet },
      ],
    ],
  ];
  return groups.filter(([, entries]) => entries.length > 0);
}
