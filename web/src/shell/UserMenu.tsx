// Who the server takes you for, the name that facts carry, the theme, and the way out.

import { Popover } from "@base-ui/react/popover";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { whoamiQuery } from "../api/queries";
import { setPrefs, usePrefs, type Prefs } from "../prefs";
import { Button, css as ui } from "../ui/basics";
import { Icon } from "../ui/icons";
import { NAME_CHARS_MAX } from "./NameDialog";
import { SIGN_OUT_URL } from "./session";
import css from "./shell.module.css";

export function UserMenu() {
  const who = useQuery(whoamiQuery).data;
  return (
    <Popover.Root>
      <Popover.Trigger className={css.live ?? ""} aria-label={`You act as ${who?.id ?? "…"}. User menu`}>
        <Icon name="person" size={13} />
        <span className={css.me}>{who?.id ?? "…"}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} collisionPadding={12} align="end" positionMethod="fixed" className={css.over ?? ""}>
          <Popover.Popup className={ui.popover ?? ""}>
            <Popover.Title render={<h3 />}>You</Popover.Title>
            <Menu />
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

const HOW: Record<string, string> = { loopback: "this machine, no sign-in", token: "a token" };

function Menu() {
  const who = useQuery(whoamiQuery).data;
  const { name = "", theme } = usePrefs();
  const client = useQueryClient();
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setPrefs({ name: String(new FormData(event.currentTarget).get("name")).trim() });
    void client.invalidateQueries({ queryKey: whoamiQuery.queryKey });
  };
  return (
    <>
      <dl className={ui.facts}>
        <dt>Facts say</dt>
        <dd>
          {who ? `${who.id} via web` : "…"}
        </dd>
        <dt>Admitted by</dt>
        <dd>{who ? (HOW[who.authenticated_by] ?? who.authenticated_by) : "…"}</dd>
      </dl>
      <form className={css.nameForm} onSubmit={save}>
        <label className={ui.field}>
          Your name
          <input key={name} name="name" className={ui.input} defaultValue={name} maxLength={NAME_CHARS_MAX} autoComplete="name" placeholder="as timelines name you" />
        </label>
        <Button type="submit">Save</Button>
      </form>
      <label className={ui.field}>
        Theme
        <select className={ui.input} value={theme} onChange={(event) => setPrefs({ theme: event.target.value as Prefs["theme"] })}>
          <option value="system">as the system</option>
          <option value="light">light</option>
          <option value="dark">dark</option>
        </select>
      </label>
      {who?.authenticated_by === "token" && (
        <form method="post" action={SIGN_OUT_URL}>
          <Button type="submit">Sign out</Button>
        </form>
      )}
    </>
  );
}
