// What lies over a page: dialogs, the right drawer, and the query behind a number.

import { Dialog as Base } from "@base-ui/react/dialog";
import { Popover } from "@base-ui/react/popover";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { rootUrl } from "../api/client";
import { Button, CopyButton, css } from "./basics";
import { Icon } from "./icons";

interface OverlayProps {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  children: ReactNode;
}

function Overlay({ open, onClose, title, children, className }: OverlayProps & { className: string | undefined }) {
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={css.backdrop ?? ""} />
        <Base.Popup className={className ?? ""}>
          <div className={css.dialogHead}>
            <Base.Title>{title}</Base.Title>
            <Base.Close render={<Button look="quiet" small aria-label="Close" />}>
              <Icon name="cross" />
            </Base.Close>
          </div>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

export function Dialog(props: OverlayProps) {
  return <Overlay {...props} className={css.dialog} />;
}

export function Drawer(props: OverlayProps) {
  return <Overlay {...props} className={css.drawer} />;
}

/** A word for a shell's single quotes. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A number that shows the query that made it. */
export function Queried({ query, children, label }: { query: string; children: ReactNode; label: string }) {
  const api = new URL("api/v1/query", rootUrl).href;
  return (
    <Popover.Root>
      <Popover.Trigger className={css.query ?? ""} aria-label={`${label}: show the query`}>
        {children}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} collisionPadding={12} positionMethod="fixed">
          <Popover.Popup className={css.popover ?? ""}>
            <Popover.Title render={<h3 />}>{label}</Popover.Title>
            <div className={css.command}>
              <pre tabIndex={0} role="region" aria-label="Query">
                <code>{query}</code>
              </pre>
            </div>
            <div className={css.copies}>
              <CopyButton text={query} label="PromQL" />
              <CopyButton text={`curl -sG ${quoted(api)} --data-urlencode ${quoted(`query=${query}`)}`} label="curl" />
              <CopyButton text={`evenkeel query ${quoted(query)}`} label="CLI" />
              <Link to="/explore" search={{ v: 1, panes: [{ x: query }] }} className={css.button}>
                Explore
              </Link>
              <a className={css.button} href={`${api}?${new URLSearchParams({ query }).toString()}`} target="_blank" rel="noreferrer">
                Open
              </a>
            </div>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
