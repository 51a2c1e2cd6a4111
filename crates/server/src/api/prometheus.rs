//! Prometheus' HTTP API, as its documentation has it (prometheus.io/docs/prometheus/latest/querying/api), errors as it words them.
//!
//! A handler reads the form (`form`), asks `app`, and writes JSON (`json`, `value`) in Prometheus' envelope (`reply`, `error`).

mod admin;
mod compress;
mod error;
mod federate;
mod form;
mod histogram;
mod json;
mod metadata;
mod query;
mod read;
mod reply;
mod rules;
mod series;
mod status;
mod targets;
mod value;

use axum::{
    Router, middleware,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, on},
};
use http::{StatusCode, header};

pub use status::PrometheusInfo;

use super::Context;

/// 400 `bad_data`, for what is wrong before a handler sees it.
pub(crate) fn refused(text: &str) -> Response {
    error::bad_data(text).into_response()
}

/// Routes as they are served, and as a list.
macro_rules! routes {
    ($($path:literal => $methods:ident($handler:path);)+) => {
        /// Every path, with how it may be asked.
        pub(super) const ROUTES: &[(&str, Methods)] = &[$(($path, Methods::$methods)),+];

        fn all() -> Router<Context> {
            Router::new()$(.route($path, Methods::$methods.route($handler, $handler)))+
        }
    };
}

/// How a path may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Methods {
    Get,
    GetOrPost,
    Post,
    PostOrPut,
}

impl Methods {
    /// In lower case.
    pub(super) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Get => &["get"],
            Self::GetOrPost => &["get", "post"],
            Self::Post => &["post"],
            Self::PostOrPut => &["post", "put"],
        }
    }

    /// What an `OPTIONS` request is told.
    const fn allow(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD, OPTIONS",
            Self::GetOrPost => "GET, HEAD, OPTIONS, POST",
            Self::Post => "OPTIONS, POST",
            Self::PostOrPut => "OPTIONS, POST, PUT",
        }
    }

    fn route<H, T, I, U>(self, first: H, second: I) -> MethodRouter<Context>
    where
        H: axum::handler::Handler<T, Context>,
        T: 'static,
        I: axum::handler::Handler<U, Context>,
        U: 'static,
    {
        use axum::routing::{MethodFilter, post};
        let router = match self {
            Self::Get => get(first),
            Self::GetOrPost => get(first).post(second),
            Self::Post => post(first),
            Self::PostOrPut => post(first).put(second),
        };
        let allow = self.allow();
        router.merge(on(MethodFilter::OPTIONS, move || async move {
            (StatusCode::NO_CONTENT, [(header::ALLOW, allow)])
        }))
    }
}

routes! {
    "/api/v1/query" => GetOrPost(query::instant);
    "/api/v1/query_range" => GetOrPost(query::range);
    "/api/v1/query_exemplars" => GetOrPost(metadata::exemplars);
    "/api/v1/format_query" => GetOrPost(query::format);
    "/api/v1/parse_query" => GetOrPost(query::parse);
    "/api/v1/labels" => GetOrPost(series::names);
    "/api/v1/label/{name}/values" => Get(series::values);
    "/api/v1/series" => GetOrPost(series::series);
    "/api/v1/metadata" => Get(metadata::metadata);
    "/api/v1/targets" => Get(targets::targets);
    "/api/v1/targets/metadata" => Get(metadata::of_targets);
    "/api/v1/targets/relabel_steps" => Get(targets::relabel_steps);
    "/api/v1/scrape_pools" => Get(targets::pools);
    "/api/v1/rules" => Get(rules::rules);
    "/api/v1/alerts" => Get(rules::alerts);
    "/api/v1/alertmanagers" => Get(rules::alertmanagers);
    "/api/v1/status/config" => Get(status::config);
    "/api/v1/status/flags" => Get(status::flags);
    "/api/v1/status/runtimeinfo" => Get(status::runtime_info);
    "/api/v1/status/buildinfo" => Get(status::build_info);
    "/api/v1/status/tsdb" => Get(status::tsdb);
    "/api/v1/status/walreplay" => Get(status::wal_replay);
    "/api/v1/read" => Post(read::read);
    "/api/v1/admin/tsdb/delete_series" => PostOrPut(admin::delete_series);
    "/api/v1/admin/tsdb/clean_tombstones" => PostOrPut(admin::clean_tombstones);
    "/api/v1/admin/tsdb/snapshot" => PostOrPut(admin::snapshot);
    "/federate" => Get(federate::federate);
}

pub(super) fn routes() -> Router<Context> {
    all().layer(middleware::from_fn(compress::gzip))
}
