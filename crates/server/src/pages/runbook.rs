//! A runbook of the production repo in force, as a page.

use std::sync::Arc;

use app::App;
use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::{assets::base, page};
use crate::Problem;

#[derive(Template)]
#[template(path = "runbook.html")]
struct RunbookPage<'a> {
    base: String,
    title: &'a str,
    path: &'a str,
    /// HTML that [`html`] wrote.
    body: String,
}

pub(super) async fn show(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let world = app.control.world();
    let path = format!("runbooks/{name}");
    let Some(runbook) = world.repo.runbooks.iter().find(|runbook| *runbook.path == *path) else {
        return Problem::not_found(format!("the production repo has no runbook `{path}`"))
            .into_response();
    };
    let (title, body) = (&*runbook.title, html(&runbook.markdown));
    page(StatusCode::OK, &RunbookPage { base: base(&app), title, path: &path, body })
}

/// Markdown as HTML in which nothing but Markdown's own elements stands: HTML in it is text, and so is a link that leads
/// elsewhere than to the web, to a mailbox or within the page.
fn html(markdown: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(markdown, options).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        // An image would be fetched from elsewhere: its text and its address stay.
        Event::Start(Tag::Image { dest_url, title, id, .. }) => {
            Event::Start(link(dest_url, title, id))
        }
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        Event::Start(Tag::Link { dest_url, title, id, .. }) => {
            Event::Start(link(dest_url, title, id))
        }
        other => other,
    });
    let mut body = String::new();
    pulldown_cmark::html::push_html(&mut body, events);
    body
}

fn link<'a>(url: CowStr<'a>, title: CowStr<'a>, id: CowStr<'a>) -> Tag<'a> {
    let lower = url.trim().to_ascii_lowercase();
    let is_safe =
        ["https://", "http://", "mailto:", "#"].iter().any(|good| lower.starts_with(good));
    let dest_url = if is_safe { url } else { "#".into() };
    Tag::Link { link_type: LinkType::Inline, dest_url, title, id }
}

#[cfg(test)]
mod tests {
    use super::html;

    #[test]
    fn markdown_is_drawn_and_html_is_text() {
        let check = |markdown, expected: &str| assert_eq!(html(markdown).trim(), expected);
        check("# Look\n\n- `a`", "<h1>Look</h1>\n<ul>\n<li><code>a</code></li>\n</ul>");
        check("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>");
        check("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;");
        check("[a](javascript:alert(1))", "<p><a href=\"#\">a</a></p>");
        check("[a](https://x/?a=\"b)", "<p><a href=\"https://x/?a=%22b\">a</a></p>");
        check("![a](https://x/y.png)", "<p><a href=\"https://x/y.png\">a</a></p>");
    }
}
