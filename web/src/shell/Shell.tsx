// What stays while pages change: rail, scope bar, banners, palette, shortcuts.

import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { appUrl } from "../api/client";
import { isPaused, setPaused } from "../api/live";
import { incidentsQuery } from "../api/queries";
import { shifted, zoomedOut } from "../lib/range";
import { setPrefs, usePrefs } from "../prefs";
import { cx } from "../ui/basics";
import { Icon, type IconName } from "../ui/icons";
import { Toast } from "../ui/toast";
import { Banner } from "./Banner";
import { listenToKeys, useShortcut } from "./keys";
import { NameDialog } from "./NameDialog";
import { copyLink } from "./copyLink";
import { ScopeBar } from "./ScopeBar";
import { endsOf, useScope } from "./scope";
import css from "./shell.module.css";
import { Shortcuts } from "./Shortcuts";

const loadPalette = () => import("./Palette").then((module) => ({ default: module.Palette }));
const Palette = lazy(loadPalette);
/** After the first paint; what is typed right after Ctrl-K should find it there. */
const PALETTE_LOAD_MS = 1_500;

const ITEMS = [
  ["/", "now", "Now"],
  ["/incidents", "incident", "Incidents"],
  ["/slos", "slo", "SLOs"],
  ["/deploys", "deploy", "Deploys"],
  ["/services", "services", "Services"],
  ["/explore", "explore", "Explore"],
  ["/connect", "connect", "Connect"],
] as const satisfies readonly (readonly [string, IconName, string])[];

export function Shell() {
  const { railCollapsed } = usePrefs();
  const [palette, setPalette] = useState(false);
  const [sheet, setSheet] = useState(false);
  const navigate = useNavigate();
  const covered = useRef(false);
  useEffect(() => {
    const timer = setTimeout(() => void loadPalette(), PALETTE_LOAD_MS);
    return () => clearTimeout(timer);
  }, []);
  useTimeKeys();
  useEffect(
    () =>
      listenToKeys({
        go: (path) => void navigate({ to: path }),
        palette: () => {
          covered.current = true;
          setPalette(true);
        },
        sheet: () => setSheet(true),
        covered: () => covered.current,
        toggleLive: () => setPaused(!isPaused()),
      }),
    [navigate],
  );
  return (
    <div className={cx(css.shell, railCollapsed && css.collapsed)}>
      {/* A button, because a #fragment would change the address. */}
      <button type="button" className={css.skip} onClick={() => document.getElementById("main")?.focus()}>
        Skip to the content
      </button>
      <Rail collapsed={railCollapsed} onSheet={() => setSheet(true)} />
      <div>
        <ScopeBar onSearch={() => setPalette(true)} />
        <Banner />
        <Outlet />
      </div>
      <Shortcuts open={sheet} onClose={() => setSheet(false)} />
      <NameDialog />
      <Toast />
      {palette && (
        <Suspense>
          <Palette
            onClose={() => {
              covered.current = false;
              setPalette(false);
            }}
            onSheet={() => setSheet(true)} />
        </Suspense>
      )}
    </div>
  );
}

const SHIFT = 0.5;

/** The keys of the time that charts show, and of the link to it. */
function useTimeKeys(): void {
  const scope = useScope();
  useShortcut("[", () => scope.show(shifted(endsOf(scope), -SHIFT, Date.now())));
  useShortcut("]", () => scope.show(shifted(endsOf(scope), SHIFT, Date.now())));
  useShortcut("-", () => scope.show(zoomedOut(endsOf(scope), Date.now())));
  useShortcut("c", () => scope.set({ compare: scope.compare ? undefined : true }));
  useShortcut("y", () => copyLink(scope, false));
  useShortcut("Y", () => copyLink(scope, true));
}

const THEMES = { system: "light", light: "dark", dark: "system" } as const;
const THEME_ICONS = { system: "system", light: "sun", dark: "moon" } as const;

function Rail({ collapsed, onSheet }: { collapsed: boolean; onSheet: () => void }) {
  const { theme } = usePrefs();
  const open = useQuery(incidentsQuery("open")).data?.items.length ?? 0;
  return (
    <header className={css.rail}>
      <Link to="/" className={css.brand} aria-label="Evenkeel: Now">
        <img src={new URL("favicon.svg", appUrl).href} width={20} height={20} alt="" />
        <span>Evenkeel</span>
      </Link>
      <nav aria-label="Pages">
        {ITEMS.map(([path, icon, label]) => (
          <Link key={path} to={path} className={css.item} activeOptions={{ exact: path === "/", includeSearch: false }} title={collapsed ? label : undefined}>
            <Icon name={icon} />
            <span className={css.label}>{label}</span>
            {path === "/incidents" && open > 0 && (
              <span className={css.badge}>
                {open}
                <span className="visually-hidden"> open</span>
              </span>
            )}
          </Link>
        ))}
      </nav>
      <div className={css.foot}>
        <button type="button" className={css.item} onClick={() => setPrefs({ theme: THEMES[theme] })} aria-label={`Theme: ${theme}. Change to ${THEMES[theme]}`}>
          <Icon name={THEME_ICONS[theme]} />
          <span className={css.label}>Theme: {theme}</span>
        </button>
        <button type="button" className={css.item} onClick={onSheet} aria-label="Keyboard shortcuts">
          <Icon name="keyboard" />
          <span className={css.label}>Shortcuts</span>
        </button>
        <button type="button" className={css.item} onClick={() => setPrefs({ railCollapsed: !collapsed })} aria-expanded={!collapsed} aria-label={collapsed ? "Widen the rail" : "Collapse the rail"}>
          <Icon name="rail" />
          <span className={css.label}>Collapse</span>
        </button>
      </div>
    </header>
  );
}
