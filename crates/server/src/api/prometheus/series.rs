//! Which series there are, and their labels.

use std::sync::Arc;

use app::{App, query::Found};
use axum::{
    extract::{Path, Request, State},
    response::Response,
};

use super::{
    error::{Refused, bad_data, invalid},
    form::Form,
    query::answer,
    reply::{self, Remarks},
};

/// Labels of one series, about.
const LABELS_ABOUT: usize = 8;

pub(super) async fn series(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        if form.all("match[]").next().is_none() {
            return Err(bad_data("no match[] parameter provided").into());
        }
        let (start_ms, end_ms) = form.span()?;
        let selectors = form.selectors(&app);
        let selectors = selectors.map_err(|refused| invalid("match[]", refused.text))?;
        let limit = form.limit()?;
        let found = app.series(selectors, start_ms, end_ms, more(limit)).await;
        let (found, remarks) = cut(found.map_err(Refused::from)?, limit);
        let size = found.len().saturating_mul(LABELS_ABOUT);
        let write = move |out: &mut super::json::Out| {
            out.list(&found, |out, labels| out.labels(labels));
        };
        Ok(reply::large(size, remarks, write).await)
    })
    .await
}

pub(super) async fn names(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        let limit = form.limit()?;
        let (start_ms, end_ms) = form.span()?;
        let selectors = form.selectors(&app)?;
        let found = app.label_names(selectors, start_ms, end_ms, more(limit)).await;
        let (found, remarks) = cut(found.map_err(Refused::from)?, limit);
        Ok(reply::success(&remarks, |out| out.strings(&found)))
    })
    .await
}

pub(super) async fn values(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        let limit = form.limit()?;
        let name = unescaped(&name);
        if name.is_empty() {
            return Err(bad_data(format!("invalid label name: {name:?}")).into());
        }
        let (start_ms, end_ms) = form.span()?;
        let selectors = form.selectors(&app)?;
        let found = app.label_values(name, selectors, start_ms, end_ms, more(limit)).await;
        let (found, remarks) = cut(found.map_err(Refused::from)?, limit);
        Ok(reply::success(&remarks, |out| out.strings(&found)))
    })
    .await
}

/// One more than is wanted, so that it is seen whether there are more.
fn more(limit: Option<usize>) -> Option<usize> {
    limit.map(|limit| limit.saturating_add(1))
}

fn cut<T>(found: Found<Vec<T>>, limit: Option<usize>) -> (Vec<T>, Remarks) {
    let (mut items, mut remarks) = (found.found, Remarks::warn(found.warnings));
    if let Some(limit) = limit.filter(|limit| items.len() > *limit) {
        items.truncate(limit);
        remarks.truncated();
    }
    (items, remarks)
}

/// A name that begins with `U__` is escaped: `__` is `_`, `_48_` the character of that hexadecimal number. What is escaped
/// wrongly is taken as it is.
fn unescaped(name: &str) -> String {
    let Some(escaped) = name.strip_prefix("U__") else { return name.to_owned() };
    let mut plain = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((before, after)) = rest.split_once('_') {
        plain.push_str(before);
        if let Some(after) = after.strip_prefix('_') {
            plain.push('_');
            rest = after;
            continue;
        }
        let code = after.split_once('_').filter(|(digits, _)| (1..=6).contains(&digits.len()));
        let code = code.and_then(|(digits, after)| {
            Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, after))
        });
        let Some((character, after)) = code else { return name.to_owned() };
        plain.push(character);
        rest = after;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_names_are_unescaped() {
        for (escaped, expected) in [
            ("job", "job"),
            ("__name__", "__name__"),
            ("U__http_2e_status", "http.status"),
            ("U__a__b", "a_b"),
            ("U___1f600_x", "😀x"),
            ("U__http_2estatus", "U__http_2estatus"),
            ("U__a_d800_", "U__a_d800_"),
            ("U__", ""),
        ] {
            assert_eq!(unescaped(escaped), expected, "{escaped}");
        }
    }
}
