// The query elsewhere: as a link to this view, as a call of the API, as curl, as a command.

import { Popover } from "@base-ui/react/popover";
import { promUrl } from "../../api/prom";
import { quoted } from "../../ui/overlay";
import { buttonClass, CopyButton, css as ui } from "../../ui/basics";
import { Icon } from "../../ui/icons";
import type { Asked } from "./useRun";

export function Share({ asked, expression, letter, link }: { asked: Asked; expression: string; letter: string; link: () => string }) {
  const url = promUrl(asked.path, asked.params).href;
  const [path] = url.split("?");
  const given = Object.entries(asked.params).flatMap(([name, value]) => (value === undefined ? [] : [`--data-urlencode ${quoted(`${name}=${String(value)}`)}`]));
  return (
    <Popover.Root>
      <Popover.Trigger className={buttonClass("quiet", true)} aria-label={`Share query ${letter}`}>
        <Icon name="share" size={13} /> Share
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} collisionPadding={12} positionMethod="fixed">
          <Popover.Popup className={ui.popover ?? ""}>
            <Popover.Title render={<h3 />}>Query {letter} elsewhere</Popover.Title>
            <div className={ui.command}>
              <pre tabIndex={0} role="region" aria-label="Call of the API">
                <code>{url}</code>
              </pre>
            </div>
            <div className={ui.copies}>
              <CopyButton text={link()} label="Permalink" />
              <CopyButton text={expression} label="PromQL" />
              <CopyButton text={`curl -sG ${quoted(path ?? "")} ${given.join(" ")}`} label="curl" />
              <CopyButton text={`evenkeel query ${quoted(expression)}`} label="CLI" />
              <CopyButton text={url} label="API link" />
              <a className={ui.button} href={url} target="_blank" rel="noreferrer">
                Open the answer
              </a>
            </div>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
