// A long name that gives up its middle first: the end of a metric's name tells more.

import css from "./browser.module.css";

const TAIL_CHARS = 14;

export function Cut({ text }: { text: string }) {
  return (
    <span className={css.cut}>
      <span>{text.slice(0, -TAIL_CHARS)}</span>
      <span>{text.slice(-TAIL_CHARS)}</span>
    </span>
  );
}
