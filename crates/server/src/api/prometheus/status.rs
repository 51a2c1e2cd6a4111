//! How the server is and what it was told, as Prometheus shows it.

use std::{collections::BTreeMap, sync::Arc};

use app::{App, query::Counted};
use axum::{
    extract::{Request, State},
    response::Response,
};

use super::{
    error::{Refused, bad_data},
    form::Form,
    json::Out,
    query::answer,
    reply::{self, Remarks},
};
use crate::api::ServerInfo;

/// The version of Prometheus whose API this is; clients choose by it what they ask for.
const PROMETHEUS_VERSION: &str = "3.5.0";
/// How many of each kind `status/tsdb` shows unless it is told.
const TOP: usize = 10;
const TOP_MAX: i64 = 10_000;

/// What was configured, as far as Prometheus' API shows it or depends on it.
#[derive(Clone, Debug, Default)]
pub struct PrometheusInfo {
    /// The configuration in force as YAML, without its secrets.
    pub config: Arc<str>,
    /// Settings by name.
    pub flags: BTreeMap<String, String>,
    /// Whether `admin/tsdb/…` may be used.
    pub admin: bool,
    /// How long samples are kept; for people.
    pub retention: Arc<str>,
    /// Added to series that leave by `/federate`, where they lack them.
    pub external_labels: model::Labels,
}

pub(super) async fn config(
    State(app): State<Arc<App>>,
    State(info): State<Arc<ServerInfo>>,
) -> Response {
    let scraped = app.scrape.config_text();
    let text = match &scraped {
        Some(scraped) => format!("{}{scraped}", info.prometheus.config),
        None => info.prometheus.config.to_string(),
    };
    reply::success(&Remarks::default(), |out| {
        out.raw("{\"yaml\":");
        out.string(&text);
        out.raw("}");
    })
}

pub(super) async fn flags(State(info): State<Arc<ServerInfo>>) -> Response {
    reply::success(&Remarks::default(), |out| {
        out.pairs(info.prometheus.flags.iter().map(|(name, value)| (&**name, &**value)));
    })
}

pub(super) async fn build_info() -> Response {
    let revision = concat!("evenkeel-", env!("CARGO_PKG_VERSION"));
    reply::success(&Remarks::default(), |out| {
        out.pairs([
            ("version", PROMETHEUS_VERSION),
            ("revision", revision),
            ("branch", "evenkeel"),
            ("buildUser", ""),
            ("buildDate", ""),
            ("goVersion", ""),
        ]);
    })
}

pub(super) async fn runtime_info(
    State(app): State<Arc<App>>,
    State(info): State<Arc<ServerInfo>>,
) -> Response {
    let folder = std::env::current_dir().map(|path| path.display().to_string()).unwrap_or_default();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let started = app.started_at.to_string();
    let in_force = app.config_damage().is_none() && app.scrape.config_state().errors() == 0;
    reply::success(&Remarks::default(), |out| {
        out.raw("{\"startTime\":");
        out.string(&started);
        out.field("CWD", |out| out.string(&folder));
        out.field("hostname", |out| out.string(&hostname()));
        out.field("serverTime", |out| out.string(&app.clock.now().to_string()));
        out.field("reloadConfigSuccess", |out| out.bool(in_force));
        out.field("lastConfigTime", |out| out.string(&started));
        out.field("corruptionCount", |out| {
            out.uint(app.stores.metrics.stats().damage.regions_total);
        });
        out.field("goroutineCount", |out| out.uint(0));
        out.field("GOMAXPROCS", |out| out.uint(threads as u64));
        out.raw(",\"GOMEMLIMIT\":0,\"GOGC\":\"\",\"GODEBUG\":\"\"");
        out.field("storageRetention", |out| out.string(&info.prometheus.retention));
        out.raw("}");
    })
}

fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// The log is replayed before the server listens.
pub(super) async fn wal_replay() -> Response {
    reply::success(&Remarks::default(), |out| {
        out.raw("{\"min\":0,\"max\":0,\"current\":0,\"state\":\"done\"}");
    })
}

pub(super) async fn tsdb(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        let top = top(&form)?;
        let found = app.cardinality(top).await.map_err(Refused::from)?;
        Ok(reply::success(&Remarks::default(), |out| {
            out.raw("{\"headStats\":{\"numSeries\":");
            out.uint(found.series);
            out.field("numLabelPairs", |out| out.uint(found.label_pairs));
            out.field("chunkCount", |out| out.uint(found.chunks));
            // Prometheus' bounds of an empty head.
            let (min, max) = found.times_ms.unwrap_or((i64::MAX, i64::MIN));
            out.field("minTime", |out| out.int(min));
            out.field("maxTime", |out| out.int(max));
            out.raw("}");
            counted(out, "seriesCountByMetricName", &found.metrics);
            counted(out, "labelValueCountByLabelName", &found.labels);
            counted(out, "memoryInBytesByLabelName", &found.label_bytes);
            counted(out, "seriesCountByLabelValuePair", &found.pairs);
            out.raw("}");
        }))
    })
    .await
}

fn top(form: &Form) -> Result<usize, Refused> {
    let Some(text) = form.filled("limit") else { return Ok(TOP) };
    let limit: i64 = text.parse().unwrap_or(0);
    if limit < 1 {
        return Err(bad_data("limit must be a positive number"));
    }
    if limit > TOP_MAX {
        return Err(bad_data(format!("limit must not exceed {TOP_MAX}")));
    }
    usize::try_from(limit).map_err(|_| bad_data("limit must be a positive number"))
}

fn counted(out: &mut Out, name: &str, all: &[Counted]) {
    out.field(name, |out| {
        out.list(all, |out, one| {
            out.raw("{\"name\":");
            out.string(&one.name);
            out.field("value", |out| out.uint(one.count));
            out.raw("}");
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_is_bounded() {
        let check = |text: &str, expected: Option<usize>| {
            let form = Form(vec![("limit".to_owned(), text.to_owned())]);
            assert_eq!(top(&form).ok(), expected, "{text}");
        };
        check("", Some(10));
        check("20", Some(20));
        check("10000", Some(10_000));
        for wrong in ["0", "-1", "x", "10001"] {
            check(wrong, None);
        }
    }
}
