// Where people write: an update, or a command that is completed while it is typed.

import { useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import { useIncidentOrder } from "../../api/queries";
import { useShortcut } from "../../shell/keys";
import { Button, css as ui, cx, Problem } from "../../ui/basics";
import { toast } from "../../ui/toast";
import { completions, parse, type Completion } from "./commands";
import css from "./incidents.module.css";

export function Composer({ id }: { id: string }) {
  const order = useIncidentOrder();
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<Error | null>(null);
  const [at, setAt] = useState(0);
  const area = useRef<HTMLTextAreaElement>(null);
  useShortcut("m", () => area.current?.focus());
  const offers = completions(text);
  const change = (next: string) => {
    setText(next);
    setWrong(null);
    setAt(0);
  };
  const take = (offer: Completion) => {
    change(offer.text);
    area.current?.focus();
  };
  const send = (event: FormEvent) => {
    event.preventDefault();
    const parsed = parse(text);
    if ("error" in parsed) {
      setWrong(new Error(parsed.error));
      return;
    }
    order.mutate(
      { id, ...parsed },
      {
        onSuccess: () => {
          change("");
          toast(parsed.verb === "updates" ? "Posted" : "Done");
        },
      },
    );
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const offer = offers[at];
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(event);
    else if (event.key === "Escape") event.currentTarget.blur();
    else if (offer && (event.key === "ArrowDown" || event.key === "ArrowUp")) setAt((at + (event.key === "ArrowDown" ? 1 : offers.length - 1)) % offers.length);
    else if (offer && !event.shiftKey && (event.key === "Tab" || event.key === "Enter")) take(offer);
    // One line is a command: it needs no more than Enter.
    else if (event.key === "Enter" && !event.shiftKey && text.startsWith("/")) send(event);
    else return;
    event.preventDefault();
  };
  return (
    <form className={css.composer} onSubmit={send}>
      {offers.length > 0 && (
        <ul className={css.offers} aria-label="Commands">
          {offers.map((offer, i) => (
            <li key={offer.label}>
              <button type="button" tabIndex={-1} className={cx(i === at && css.chosen)} onClick={() => take(offer)}>
                <code>{offer.label}</code> <span>{offer.note}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <label>
        <span className="visually-hidden">Update, or a command after a slash</span>
        <textarea ref={area} name="text" className={ui.input} maxLength={4096} value={text} placeholder="What do you know, what do you try?   m     / for commands" onChange={(event) => change(event.target.value)} onKeyDown={onKeyDown} />
      </label>
      <span className="visually-hidden" role="status">
        {offers[at] ? `${offers[at].label}; Tab takes it` : ""}
      </span>
      <Problem error={wrong ?? order.error} />
      <div className={css.row}>
        <span className={cx(ui.muted, css.hint)}>
          <kbd>Ctrl</kbd> <kbd>Enter</kbd> posts; <code>/sev</code> <code>/assign</code> <code>/status</code> <code>/mitigated</code> <code>/resolve</code>
        </span>
        <Button type="submit" disabled={order.isPending}>
          {text.startsWith("/") ? "Run" : "Post update"}
        </Button>
      </div>
    </form>
  );
}
