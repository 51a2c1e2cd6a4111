//! Deletes and copies what is stored; off unless `api.enable_admin` is set, as in Prometheus.

use std::sync::Arc;

use app::App;
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::{
    error::{Kind, Refused, bad_data, invalid},
    form::Form,
    query::{Stopped, answer},
    reply::{self, Remarks},
};
use crate::api::ServerInfo;

fn allowed(info: &ServerInfo) -> Result<(), Refused> {
    if info.prometheus.admin {
        return Ok(());
    }
    Err(Refused::new(Kind::Unavailable, "admin APIs disabled (api.enable_admin)"))
}

pub(super) async fn delete_series(
    State(app): State<Arc<App>>,
    State(info): State<Arc<ServerInfo>>,
    request: Request,
) -> Response {
    answer(async {
        allowed(&info)?;
        let form = Form::of(request).await?;
        if form.all("match[]").next().is_none() {
            return Err(bad_data("no match[] parameter provided").into());
        }
        let (start_ms, end_ms) = form.span()?;
        let selectors = form.selectors(&app);
        let selectors = selectors.map_err(|refused| invalid("match[]", refused.text))?;
        app.delete_series(selectors, start_ms, end_ms).await.map_err(Refused::from)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// What was deleted is gone from answers at once, and from the disk with the next merge; there is nothing to wait for.
pub(super) async fn clean_tombstones(
    State(app): State<Arc<App>>,
    State(info): State<Arc<ServerInfo>>,
) -> Response {
    answer(async {
        allowed(&info)?;
        app.clean_tombstones().await.map_err(Refused::from)?;
        Ok::<_, Stopped>(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

pub(super) async fn snapshot(
    State(app): State<Arc<App>>,
    State(info): State<Arc<ServerInfo>>,
    request: Request,
) -> Response {
    answer(async {
        allowed(&info)?;
        let form = Form::of(request).await?;
        if let Some(text) = form.filled("skip_head") {
            // All that is stored is one; there is no head to skip.
            let known =
                ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];
            if !known.contains(&text) {
                let why = format!(
                    "unable to parse boolean: strconv.ParseBool: parsing {text:?}: invalid syntax"
                );
                return Err(invalid("skip_head", why).into());
            }
        }
        let name = app.snapshot_metrics().await.map_err(Refused::from)?;
        Ok(reply::success(&Remarks::default(), |out| {
            out.raw("{\"name\":");
            out.string(&name);
            out.raw("}");
        }))
    })
    .await
}
