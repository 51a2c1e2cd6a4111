// The sheet of `?`.

import { setPrefs, usePrefs } from "../prefs";
import { css as ui } from "../ui/basics";
import { Dialog } from "../ui/overlay";
import { GO, KEYS } from "./keys";
import css from "./shell.module.css";

export function Shortcuts({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { singleKeys } = usePrefs();
  const all = [...KEYS, ...GO.map(([key, , label]) => [`g ${key}`, `Go to ${label}`] as const)];
  return (
    <Dialog open={open} onClose={onClose} title="Keyboard shortcuts">
      <div className={ui.dialogBody}>
        <dl className={css.sheet}>
          {all.map(([key, label]) => (
            <div key={key}>
              <dd>{label}</dd>
              <dt>
                <kbd>{key}</kbd>
              </dt>
            </div>
          ))}
        </dl>
        <label className={css.check}>
          <input type="checkbox" checked={singleKeys} onChange={(event) => setPrefs({ singleKeys: event.target.checked })} />
          Single-key shortcuts are on
        </label>
      </div>
    </Dialog>
  );
}
