//! Pages that need no JavaScript: acknowledging from a phone, runbooks; and the web application's files.

mod acknowledge;
mod assets;
mod runbook;

use std::sync::Arc;

use app::App;
use axum::{
    Router,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};

pub use assets::WEB_APP_EMBEDDED;

/// All pages. The paths under `/p/acknowledge/` check their own signature.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/p/acknowledge/{token}", get(acknowledge::show).post(acknowledge::act))
        .route("/p/acknowledge/style.css", get(style))
        .route("/p/runbooks/{*path}", get(runbook::show))
        .route("/", get(assets::home))
        .route("/app", get(assets::home))
        .route("/app/", get(assets::index))
        .route("/app/{*path}", get(assets::file))
        .with_state(app)
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../templates/style.css"))
        .into_response()
}

/// A template as an answer.
fn page(status: StatusCode, template: &impl askama::Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page was not drawn");
            crate::Problem::internal().into_response()
        }
    }
}
