// `y`: the address of this view. A time that moves with the clock is frozen, so that the other one sees the same.

import { copyText } from "../lib/clipboard";
import { frozen } from "../lib/link";
import { rangeSeconds } from "../lib/range";
import type { Scope } from "./scope";
import { toast } from "../ui/toast";

export function copyLink(scope: Pick<Scope, "range" | "fixed">, live: boolean): void {
  const timed = document.querySelector("main[data-timed]") !== null;
  if (!timed || live || scope.fixed) {
    copyText(location.href);
    toast(timed && !scope.fixed ? "Link copied; its time moves with the clock" : "Link copied");
    return;
  }
  copyText(frozen(location.href, rangeSeconds(scope.range), Date.now()));
  toast(`Link copied; “last ${scope.range}” is frozen in it. Shift y copies it moving`);
}
