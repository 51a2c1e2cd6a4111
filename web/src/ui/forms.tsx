// Forms in dialogs: what it does, fields, a reason where one is asked for, and the server's refusal in its words.

import { useState, type FormEvent, type ReactNode } from "react";
import { Button, css, Problem } from "./basics";
import { Dialog } from "./overlay";

export interface FieldSpec {
  name: string;
  label: string;
  hint?: string;
  required?: boolean;
  long?: boolean;
  options?: { value: string; label: string }[];
  initial?: string;
}

export function Field({ spec, autoFocus = false }: { spec: FieldSpec; autoFocus?: boolean }) {
  const common = { name: spec.name, className: css.input, required: spec.required, defaultValue: spec.initial, autoFocus };
  return (
    <label className={css.field}>
      {spec.label}
      {spec.options ? (
        <select {...common}>
          {spec.options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      ) : spec.long ? (
        <textarea {...common} maxLength={4096} />
      ) : (
        <input {...common} autoComplete="off" maxLength={256} />
      )}
      {spec.hint && <small>{spec.hint}</small>}
    </label>
  );
}

interface FormDialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  /** What it will touch. */
  children?: ReactNode;
  fields: FieldSpec[];
  submit: string;
  danger?: boolean;
  /** Rejects with the problem that is shown. */
  onSubmit: (values: Record<string, string>) => Promise<unknown>;
}

export function FormDialog({ open, onClose, title, children, fields, submit, danger = false, onSubmit }: FormDialogProps) {
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const close = () => {
    setError(null);
    onClose();
  };
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const values: Record<string, string> = {};
    for (const [key, value] of new FormData(event.currentTarget)) if (typeof value === "string") values[key] = value.trim();
    setBusy(true);
    onSubmit(values)
      .then(close, (failure: unknown) => setError(failure instanceof Error ? failure : new Error(String(failure))))
      .finally(() => setBusy(false));
  };
  return (
    <Dialog open={open} onClose={close} title={title}>
      <form className={css.dialogBody} onSubmit={send}>
        {children}
        {fields.map((spec, index) => (
          <Field key={spec.name} spec={spec} autoFocus={index === 0} />
        ))}
        <Problem error={error} />
        <div className={css.dialogFoot}>
          <Button onClick={close}>Cancel</Button>
          <Button type="submit" look={danger ? "dangerSolid" : "primary"} disabled={busy}>
            {busy ? "Sending…" : submit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
