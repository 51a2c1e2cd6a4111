// Asks for the user's name. The platform's own dialog, because another may lie open under it.

import { useEffect, useRef, type FormEvent } from "react";
import { Button, css as ui } from "../ui/basics";
import { answerName, useNameAsked } from "./name";
import css from "./shell.module.css";

export const NAME_CHARS_MAX = 100;

export function NameDialog() {
  return useNameAsked() ? <Ask /> : null;
}

function Ask() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    answerName(String(new FormData(event.currentTarget).get("name")));
  };
  return (
    <dialog
      ref={dialog}
      className={css.ask}
      aria-labelledby="ask-name"
      onCancel={() => answerName("")}
      onKeyDown={(event) => event.stopPropagation()}
      onPointerDown={(event) => event.stopPropagation()}
    >
      <form className={ui.dialogBody} onSubmit={send}>
        <h2 id="ask-name">Who are you?</h2>
        <p>Timelines and postmortems name who did what. The name stays in this browser; the user menu changes it.</p>
        <label className={ui.field}>
          Your name
          <input name="name" className={ui.input} required autoFocus maxLength={NAME_CHARS_MAX} autoComplete="name" placeholder="ana" />
        </label>
        <div className={ui.dialogFoot}>
          <Button onClick={() => answerName("")}>Skip</Button>
          <Button type="submit" look="primary">
            Continue
          </Button>
        </div>
      </form>
    </dialog>
  );
}
