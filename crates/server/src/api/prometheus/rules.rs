//! Rules, alerts and Alertmanagers. Evenkeel pages by SLOs and evaluates no Prometheus rules, so that there are none to show;
//! what is asked is checked all the same.

use std::sync::Arc;

use app::App;
use axum::{
    extract::{Request, State},
    response::Response,
};

use super::{
    error::{Refused, invalid},
    form::Form,
    query::answer,
    reply::{self, Remarks},
};

pub(super) async fn rules(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        check(&form)?;
        form.selectors(&app)?;
        Ok(reply::success(&Remarks::default(), |out| out.raw("{\"groups\":[]}")))
    })
    .await
}

fn check(form: &Form) -> Result<(), Refused> {
    let kind = form.text("type").to_ascii_lowercase();
    if !matches!(&*kind, "" | "alert" | "record") {
        return Err(invalid("type", format!("not supported value {kind:?}")));
    }
    if let Some(text) = form.filled("exclude_alerts") {
        // As Go reads a yes or no.
        let known =
            ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];
        if !known.contains(&text) {
            let why = format!(
                "error converting exclude_alerts: strconv.ParseBool: parsing {text:?}: invalid syntax"
            );
            return Err(invalid("exclude_alerts", why));
        }
    }
    paged(form)
}

fn paged(form: &Form) -> Result<(), Refused> {
    let token = form.filled("group_next_token");
    let limit = form.filled("group_limit");
    if let Some(text) = limit {
        let number: i64 = text.parse().map_err(|_| {
            let why = format!(
                "group_limit needs to be a valid number: strconv.ParseInt: parsing {text:?}: invalid syntax"
            );
            invalid("group_limit", why)
        })?;
        if number <= 0 {
            return Err(invalid("group_limit", "group_limit needs to be greater than 0"));
        }
    }
    match token {
        Some(_) if limit.is_none() => Err(invalid(
            "group_limit",
            "group_limit needs to be present in order to paginate over the groups",
        )),
        // There is no group that it could name.
        Some(token) => Err(invalid(
            "group_next_token",
            format!("invalid group_next_token '{token}'. were rule groups changed?"),
        )),
        None => Ok(()),
    }
}

pub(super) async fn alerts() -> Response {
    reply::success(&Remarks::default(), |out| out.raw("{\"alerts\":[]}"))
}

pub(super) async fn alertmanagers() -> Response {
    reply::success(&Remarks::default(), |out| {
        out.raw("{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}");
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_rules_is_checked() {
        let found = |pairs: &[(&str, &str)]| {
            let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            check(&Form(pairs.iter().map(own).collect())).err().map(|refused| refused.text)
        };
        assert_eq!(
            found(&[("type", "alert"), ("exclude_alerts", "true"), ("group_limit", "1")]),
            None
        );
        for wrong in [
            &[("type", "x")][..],
            &[("exclude_alerts", "yes")],
            &[("group_limit", "0")],
            &[("group_limit", "x")],
            &[("group_next_token", "x")],
            &[("group_limit", "1"), ("group_next_token", "x")],
        ] {
            assert!(found(wrong).is_some(), "{wrong:?}");
        }
    }
}
