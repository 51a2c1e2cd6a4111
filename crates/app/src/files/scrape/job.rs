//! One item of `scrape_configs`.

use std::time::Duration;

use scrape::{
    Discovery, Job, Protocol,
    name::{Escaping, Scheme},
    target,
};

use super::{
    Origin, client, discovery,
    global::{self, Global},
    groups, rule, value,
};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::shorten,
};

const FIELDS: [&str; 31] = [
    "job_name",
    "honor_labels",
    "honor_timestamps",
    "track_timestamps_staleness",
    "params",
    "scrape_interval",
    "scrape_timeout",
    "scrape_protocols",
    "fallback_scrape_protocol",
    "scrape_native_histograms",
    "always_scrape_classic_histograms",
    "convert_classic_histograms_to_nhcb",
    "extra_scrape_metrics",
    "scrape_failure_log_file",
    "metrics_path",
    "scheme",
    "enable_compression",
    "body_size_limit",
    "sample_limit",
    "target_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "native_histogram_bucket_limit",
    "native_histogram_min_bucket_factor",
    "keep_dropped_targets",
    "metric_name_validation_scheme",
    "metric_name_escaping_scheme",
    "relabel_configs",
    "metric_relabel_configs",
    client::HEADERS,
];

/// How old a sample may be to count as a series' value where nothing else is set.
const LOOKBACK: Duration = Duration::from_secs(300);

/// The field of its name, and the job if nothing is wrong with it.
pub(super) fn read<'r>(
    item: Field<'r>,
    global: &Global,
    origin: Origin<'_>,
) -> Option<(Field<'r>, Option<Job>)> {
    let errors = item.report().errors();
    let fields: Vec<&str> = FIELDS
        .into_iter()
        .chain(client::FIELDS)
        .chain(discovery::FIELDS)
        .chain(discovery::OTHERS)
        .chain([discovery::LAST])
        .collect();
    let map = item.map(&fields)?;
    let job = job(map, global, origin);
    let Some(name) =
        map.optional("job_name").filter(|name| name.text().is_some_and(|text| !text.is_empty()))
    else {
        item.error(Code::MISSING_FIELD, "job_name is empty", "write `job_name:`");
        return None;
    };
    if item.report().errors() == errors {
        check_targets(map, &job);
    }
    Some((name, (item.report().errors() == errors).then_some(job)))
}

fn job(map: Map<'_>, global: &Global, origin: Origin<'_>) -> Job {
    let text =
        |name: &str| map.optional(name).and_then(Field::text).filter(|text| !text.is_empty());
    let on =
        |name: &str, default: bool| map.optional(name).and_then(Field::bool).unwrap_or(default);
    let name = text("job_name").unwrap_or_default();
    let above = format!(
        "scrape timeout greater than scrape interval for scrape config with job name `{}`",
        shorten(name)
    );
    let (interval, timeout) = global::times(map, global, &above);
    if interval >= LOOKBACK {
        let at = map.optional("scrape_interval").unwrap_or(map.field());
        let message = format!("the scrape interval is {}", target::print_duration(interval));
        let hint = "PromQL looks back 5m (`query.lookback_delta`): take less, or series have gaps";
        at.warning(Code::LONG_INTERVAL, message, hint);
    }
    let switches = global::switches(map, global.switches);
    let (scheme_of_names, escaping) = names(map, global);
    if let Some(field) = map
        .optional("scrape_failure_log_file")
        .filter(|_| text("scrape_failure_log_file").is_some())
    {
        let hint = "failed scrapes stand in the server's log and in `/api/v1/targets`";
        field.warning(Code::NOT_HERE, "`scrape_failure_log_file` has no effect here", hint);
    }
    Job {
        interval,
        timeout,
        honor_labels: on("honor_labels", false),
        honor_timestamps: on("honor_timestamps", true),
        track_timestamps_staleness: on("track_timestamps_staleness", false),
        scheme: text("scheme").unwrap_or("http").into(),
        metrics_path: text("metrics_path").unwrap_or("/metrics").into(),
        params: params(map),
        protocols: protocols(map, global, switches.native_histograms),
        fallback: map
            .optional("fallback_scrape_protocol")
            .filter(|_| text("fallback_scrape_protocol").is_some())
            .and_then(value::protocol),
        native_histograms: switches.native_histograms,
        classic_histograms: switches.classic_histograms,
        convert_classic: switches.convert_classic,
        extra_metrics: switches.extra_metrics,
        compression: on("enable_compression", true),
        limits: global::limits(map, &global.limits),
        scheme_of_names,
        escaping,
        relabel: rule::read(
            map,
            "relabel_configs",
            scheme_of_names,
            "target relabeling rule in scrape config",
        )
        .into(),
        metric_relabel: rule::read(
            map,
            "metric_relabel_configs",
            scheme_of_names,
            "metric relabeling rule in scrape config",
        )
        .into(),
        http: client::read(map, origin),
        discovery: discovery::read(map, origin),
        ..Job::with_defaults(name)
    }
}

fn protocols(map: Map<'_>, global: &Global, native_histograms: bool) -> Vec<Protocol> {
    let own = map.optional("scrape_protocols").and_then(value::protocols);
    own.or_else(|| global.protocols.clone()).unwrap_or_else(|| {
        if native_histograms {
            Protocol::PROTOBUF_FIRST.to_vec()
        } else {
            Protocol::DEFAULT.to_vec()
        }
    })
}

/// What names are valid, and how targets are asked to escape others.
fn names(map: Map<'_>, global: &Global) -> (Scheme, Escaping) {
    let own = map.optional("metric_name_validation_scheme").and_then(value::scheme);
    let scheme = own.unwrap_or(global.scheme);
    let field = map.optional("metric_name_escaping_scheme");
    let inferred = match scheme {
        Scheme::Utf8 => Escaping::AllowUtf8,
        Scheme::Legacy => Escaping::Underscores,
    };
    let escaping = match field.and_then(value::escaping) {
        Some(escaping) => {
            field.inspect(|field| value::check_escaping(*field, scheme, escaping));
            escaping
        }
        None => global
            .escaping
            .filter(|escaping| !(scheme == Scheme::Legacy && *escaping == Escaping::AllowUtf8))
            .unwrap_or(inferred),
    };
    (scheme, escaping)
}

fn params(map: Map<'_>) -> Vec<(Box<str>, Vec<Box<str>>)> {
    let Some(params) = map.optional("params").and_then(Field::any_map) else { return Vec::new() };
    let mut found: Vec<(Box<str>, Vec<Box<str>>)> = Vec::new();
    for (name, value) in params.fields() {
        if value.node().is_null() {
            continue;
        }
        let values = value.list().unwrap_or_default();
        let values = values.into_iter().filter_map(|item| item.text().map(Into::into)).collect();
        found.push((name.name().into(), values));
    }
    found.sort();
    found
}

/// Targets that stand in the file itself can be built now: what is wrong with one is wrong for ever. Files of targets may change.
fn check_targets(map: Map<'_>, job: &Job) {
    let listed = job.discovery.iter().filter(|found| matches!(found, Discovery::Files { .. }));
    let fields = map.optional("file_sd_configs").and_then(Field::list).unwrap_or_default();
    for (found, field) in listed.zip(fields) {
        let Discovery::Files { patterns, .. } = found else { continue };
        for (path, error) in groups::unreadable(patterns) {
            let message = format!("`{path}` holds no targets: {error}");
            field.warning(
                Code::NOT_THERE,
                message,
                "its targets are not scraped until it is right",
            );
        }
    }
    let Some(field) = map.optional("static_configs") else { return };
    let items = field.list().unwrap_or_default();
    for found in &job.discovery {
        let Discovery::Static(groups) = found else { continue };
        for (group, item) in groups.iter().zip(&items) {
            for error in target::build(job, group).into_iter().filter_map(Result::err) {
                let target::TargetError::Instance { what, .. } = error;
                item.error(
                    Code::TARGET,
                    what.to_string(),
                    "write `host:port`, without a scheme or path",
                );
            }
        }
    }
}
