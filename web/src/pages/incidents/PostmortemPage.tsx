// The postmortem's draft: what the journal knows is filled in, the rest asks for a person.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ApiError } from "../../api/client";
import { postmortemQuery, useDraftPostmortem } from "../../api/queries";
import type { Postmortem } from "../../api/schema";
import { useTitle } from "../../shell/scope";
import { Button, buttonClass, CopyButton, css as ui, Empty, Loaded, Panel, Pill, Problem } from "../../ui/basics";
import { Time } from "../../ui/time";
import css from "./incidents.module.css";

const route = getRouteApi("/incidents/$id/postmortem");

export function PostmortemPage() {
  const { id } = route.useParams();
  useTitle("Postmortem");
  const postmortem = useQuery(postmortemQuery(id));
  const draft = useDraftPostmortem();
  const missing = postmortem.error instanceof ApiError && postmortem.error.status === 404;
  return (
    <main className={ui.page} id="main" tabIndex={-1}>
      <div className={ui.pageHead}>
        <h1 className={ui.grow}>{postmortem.data?.title ?? "Postmortem"}</h1>
        <Link to="/incidents/$id" params={{ id }} className={buttonClass()}>
          To the incident
        </Link>
        {postmortem.data && <CopyButton text={postmortem.data.markdown} label="Copy as Markdown" />}
        <Button look={missing ? "primary" : "plain"} onClick={() => draft.mutate(id)} disabled={draft.isPending}>
          {postmortem.data ? "Draft anew" : "Draft"}
        </Button>
      </div>
      <Problem error={draft.error} />
      {missing ? (
        <section className={ui.panel}>
          <Empty title="There is no draft yet." command={`evenkeel postmortem draft ${id}`}>
            What the journal knows is filled in; the rest asks for a person. Draft it with the button above, or by:
          </Empty>
        </section>
      ) : (
        <Loaded query={postmortem} what="the postmortem">
          {(data) => <Document postmortem={data} />}
        </Loaded>
      )}
    </main>
  );
}

function Document({ postmortem }: { postmortem: Postmortem }) {
  // It stands beside the document, where times follow the reader's zone.
  const shown = postmortem.sections.filter((section) => section.heading !== "Timeline");
  const open = postmortem.sections.filter((section) => !section.from_data).length;
  return (
    <div className={ui.columns}>
      <article className={ui.panel}>
        <div className={css.document}>
          {shown.map((section) => (
            <section key={section.heading} className={section.from_data ? undefined : css.todo}>
              <h2>{section.heading}</h2>
              {section.paragraphs.map((paragraph) => (
                <p key={paragraph}>{paragraph}</p>
              ))}
              {section.paragraphs.length === 0 && <p>For a person to write.</p>}
            </section>
          ))}
        </div>
      </article>
      <div className={ui.stack}>
        <Panel title="State" padded>
          <Pill tone={postmortem.status === "draft" ? "info" : "ok"} icon="note">
            {postmortem.status}
          </Pill>{" "}
          drafted <Time at={postmortem.drafted_at} />; {postmortem.sections.length - open} of {postmortem.sections.length} sections from data
        </Panel>
        <Panel title="Timeline">
          <ol className={css.timeline}>
            {postmortem.timeline.map((event) => (
              <li key={event.seq} className={css.entry}>
                <Time at={event.at} />
                <span />
                <div>
                  {event.sentence} <small>#{event.seq}</small>
                </div>
              </li>
            ))}
          </ol>
        </Panel>
      </div>
    </div>
  );
}
