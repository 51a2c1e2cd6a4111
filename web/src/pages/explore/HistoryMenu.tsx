// The queries of this browser: search, run again, star, forget.

import { Popover } from "@base-ui/react/popover";
import { useState } from "react";
import { Button, buttonClass, css as ui, cx } from "../../ui/basics";
import { Icon } from "../../ui/icons";
import { Time } from "../../ui/time";
import css from "./explore.module.css";
import { forget, star, usePast } from "./history";

export function HistoryMenu({ onPick }: { onPick: (expression: string) => void }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const past = usePast();
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = past.filter((one) => words.every((word) => one.x.toLowerCase().includes(word)));
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className={buttonClass("plain", true)}>
        <Icon name="history" size={13} /> History
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} align="end" collisionPadding={12} positionMethod="fixed">
          <Popover.Popup className={cx(ui.popover, css.history)}>
            <Popover.Title render={<h3 />}>Queries run in this browser</Popover.Title>
            <input className={ui.input} value={text} onChange={(event) => setText(event.target.value)} placeholder="Filter" aria-label="Filter the history" autoComplete="off" />
            <ul>
              {[...found].sort((a, b) => Number(b.starred ?? false) - Number(a.starred ?? false)).map((one) => (
                <li key={one.x}>
                  <button
                    type="button"
                    className={css.pastQuery}
                    onClick={() => {
                      setOpen(false);
                      onPick(one.x);
                    }}
                  >
                    <code>{one.x}</code>
                    <small>
                      <Time at={new Date(one.at).toISOString()} relative /> · run {one.runs}×
                    </small>
                  </button>
                  <Button small look="quiet" aria-pressed={one.starred === true} aria-label={`Star ${one.x}`} className={one.starred ? css.starred : undefined} onClick={() => star(one.x)}>
                    <Icon name="star" size={13} />
                  </Button>
                  <Button small look="quiet" aria-label={`Forget ${one.x}`} onClick={() => forget(one.x)}>
                    <Icon name="cross" size={13} />
                  </Button>
                </li>
              ))}
            </ul>
            {found.length === 0 && <p className={ui.muted}>{past.length === 0 ? "None yet. They stay in this browser; nothing is sent." : "None holds these words."}</p>}
            {past.length > 0 && (
              <div className={ui.copies}>
                <Button small onClick={() => forget()}>
                  Forget all without a star
                </Button>
              </div>
            )}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
