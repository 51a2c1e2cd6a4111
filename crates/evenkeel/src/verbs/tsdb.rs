//! `evenkeel tsdb …`: the metric store of a data directory, while no server runs on it.

use app::samples::{self, FileFormat, SamplesError, Selected};
use camino::Utf8Path;
use model::Timestamp;
use serde::Serialize;

use crate::{
    cli::{DataArgs, Remote, SampleFormat, TsdbExport, TsdbImport, TsdbVerb},
    config::{self, Config, Flags},
    exit::{Exit, Failure},
    output::{self, Human, table},
};

#[derive(Debug, Serialize)]
struct StoreStats {
    series: usize,
    samples: u64,
    bytes: u64,
    bytes_per_sample: f64,
    wal_bytes: u64,
    registry_bytes: u64,
    part_bytes: u64,
    parts: usize,
    oldest: Option<String>,
    newest: Option<String>,
    samples_replayed: u64,
    damaged_stretches: u64,
    label_names: u64,
    label_pairs: u64,
    series_by_metric: Vec<Count>,
    values_by_label: Vec<Count>,
    series_by_label_pair: Vec<Count>,
}

#[derive(Debug, Serialize)]
struct Count {
    name: String,
    count: u64,
}

#[derive(Debug, Serialize)]
struct StoreVerification {
    ok: bool,
    parts: usize,
    sections: u64,
    samples: u64,
    log_records: u64,
    damage: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ExportReport {
    to: String,
    series: u64,
    samples: u64,
    stale_markers_left_out: u64,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ImportReport {
    files: Vec<ImportedFile>,
}

#[derive(Debug, Serialize)]
struct ImportedFile {
    file: String,
    samples: u64,
    taken: u64,
    duplicates: u64,
    refused: Vec<RefusedCount>,
}

#[derive(Debug, Serialize)]
struct RefusedCount {
    reason: &'static str,
    samples: u64,
    message: String,
}

pub(super) fn run(remote: &Remote, verb: TsdbVerb) -> Result<Exit, Failure> {
    match verb {
        TsdbVerb::Stats { data, top } => stats(remote, data, top),
        TsdbVerb::Verify(data) => verify(remote, data),
        TsdbVerb::Export(args) => export(remote, args),
        TsdbVerb::Import(args) => import(remote, args),
    }
}

fn stats(remote: &Remote, data: DataArgs, top: usize) -> Result<Exit, Failure> {
    let data_dir = config::data_dir(data.into())?;
    let (stats, most, recovery) = samples::stats(&data_dir, top, super::now()).map_err(failure)?;
    let time = |at_ms: Option<i64>| at_ms.map(|at_ms| Timestamp::from_millis(at_ms).to_string());
    let counts = |list: Vec<(std::sync::Arc<str>, u64)>| {
        list.into_iter().map(|(name, count)| Count { name: name.to_string(), count }).collect()
    };
    let pairs = most.by_pair.into_iter().map(|(name, value, count)| Count {
        name: format!("{name}={}", model::Quoted(&value)),
        count,
    });
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    let bytes_per_sample =
        if stats.samples == 0 { 0.0 } else { stats.bytes as f64 / stats.samples as f64 };
    output::print(
        remote.output,
        &StoreStats {
            series: stats.series,
            samples: stats.samples,
            bytes: stats.bytes,
            bytes_per_sample,
            wal_bytes: stats.wal_bytes,
            registry_bytes: stats.registry_bytes,
            part_bytes: stats.part_bytes,
            parts: stats.parts,
            oldest: time(stats.min_ms),
            newest: time(stats.max_ms),
            samples_replayed: recovery.samples_replayed,
            damaged_stretches: stats.parts_damaged_total + u64::from(!stats.damage.is_none()),
            label_names: most.names,
            label_pairs: most.pairs,
            series_by_metric: counts(most.by_metric),
            values_by_label: counts(most.by_name_values),
            series_by_label_pair: pairs.collect(),
        },
    )?;
    Ok(Exit::Ok)
}

fn verify(remote: &Remote, data: DataArgs) -> Result<Exit, Failure> {
    let data_dir = config::data_dir(data.into())?;
    let report = samples::verify(&data_dir, super::now()).map_err(failure)?;
    let mut damage: Vec<String> = report.damage.iter().map(ToString::to_string).collect();
    if report.more > 0 {
        damage.push(format!("and {} stretches more", report.more));
    }
    let ok = report.is_whole();
    output::print(
        remote.output,
        &StoreVerification {
            ok,
            parts: report.parts,
            sections: report.sections,
            samples: report.samples,
            log_records: report.log_records,
            damage,
        },
    )?;
    Ok(if ok { Exit::Ok } else { Exit::Failed })
}

fn export(remote: &Remote, args: TsdbExport) -> Result<Exit, Failure> {
    let TsdbExport { data, to, format, matching, start, end } = args;
    let format = format_of(format, &to)?;
    let any_of = matching.iter().map(|text| samples::selector(text)).collect::<Result<_, _>>();
    let any_of = any_of.map_err(|error| Failure::new(Exit::Usage, error))?;
    let time = |text: Option<String>, or: i64| match text {
        Some(text) => text
            .parse::<Timestamp>()
            .map(Timestamp::as_millis)
            .map_err(|error| Failure::new(Exit::Usage, error)),
        None => Ok(or),
    };
    let (start_ms, end_ms) = (time(start, i64::MIN)?, time(end, i64::MAX)?);
    let data_dir = config::data_dir(data.into())?;
    let selected = Selected { any_of, start_ms, end_ms };
    let done = match samples::export(&data_dir, &selected, format, &to, super::now()) {
        // A reader that has gone away is no error (`evenkeel … | head`).
        Err(error) if to == "-" && is_broken_pipe(&error) => return Ok(Exit::Ok),
        done => done.map_err(failure)?,
    };
    let report = ExportReport {
        to: to.to_string(),
        series: done.series,
        samples: done.samples,
        stale_markers_left_out: done.stale_left_out,
        warnings: done.warnings,
    };
    if to == "-" {
        // Standard output has the samples.
        output::note(&report.human());
    } else {
        output::print(remote.output, &report)?;
    }
    Ok(Exit::Ok)
}

fn import(remote: &Remote, args: TsdbImport) -> Result<Exit, Failure> {
    let TsdbImport { data, files, format } = args;
    let formats =
        files.iter().map(|file| format_of(format, file)).collect::<Result<Vec<_>, _>>()?;
    let config = Config::load(Flags::from(data))?;
    let retention = Some(config.retention.metrics).filter(|kept| !kept.is_zero());
    let mut report = ImportReport { files: Vec::new() };
    for (file, format) in files.iter().zip(formats) {
        let limits = config.limits.clone();
        let done = samples::import(&config.data_dir, file, format, retention, limits, super::now());
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                // What the files before brought is said all the same.
                if !report.files.is_empty() {
                    output::print(remote.output, &report)?;
                }
                return Err(failure(error));
            }
        };
        let refused = done.refused.into_iter().map(|refused| RefusedCount {
            reason: refused.reason,
            samples: refused.samples,
            message: refused.message,
        });
        report.files.push(ImportedFile {
            file: file.to_string(),
            samples: done.samples,
            taken: done.taken,
            duplicates: done.duplicates,
            refused: refused.collect(),
        });
    }
    output::print(remote.output, &report)?;
    Ok(Exit::Ok)
}

fn format_of(format: Option<SampleFormat>, file: &Utf8Path) -> Result<FileFormat, Failure> {
    format.map(FileFormat::from).or_else(|| FileFormat::of(file)).ok_or_else(|| {
        Failure::text(Exit::Usage, format!("`{file}` does not say what it is; give --format"))
    })
}

fn is_broken_pipe(error: &SamplesError) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
            return true;
        }
        source = error.source();
    }
    false
}

fn failure(error: SamplesError) -> Failure {
    let missing = matches!(&error, SamplesError::DataDir(app::data_dir::OpenError::Missing { .. }));
    let in_use = matches!(&error, SamplesError::DataDir(app::data_dir::OpenError::Locked { .. }));
    let exit = match (missing, in_use) {
        (true, _) => Exit::NotFound,
        (_, true) => Exit::Conflict,
        _ => Exit::Failed,
    };
    Failure::new(exit, error)
}

impl Human for StoreStats {
    fn human(&self) -> String {
        let time = |time: &Option<String>| output::or_dash(time.as_deref());
        let counts = |head: &str, list: &[Count]| {
            let rows = list.iter().map(|one| [one.name.clone(), one.count.to_string()]);
            format!("\n\n{}", table([head, "COUNT"], rows))
        };
        let mut text = format!(
            "{} series, {} samples from {} to {}\n{} bytes, {:.2} for each sample: {} in {} parts, {} in the log, {} for the series' labels",
            self.series,
            self.samples,
            time(&self.oldest),
            time(&self.newest),
            self.bytes,
            self.bytes_per_sample,
            self.part_bytes,
            self.parts,
            self.wal_bytes,
            self.registry_bytes,
        );
        if self.damaged_stretches > 0 {
            text += "\nsomething is damaged; see `evenkeel tsdb verify`";
        }
        text += &counts("SERIES OF METRIC", &self.series_by_metric);
        text += &counts("VALUES OF LABEL", &self.values_by_label);
        text += &counts("SERIES WITH LABEL", &self.series_by_label_pair);
        text
    }
}

impl Human for StoreVerification {
    fn human(&self) -> String {
        let state = if self.ok { "whole" } else { "DAMAGED" };
        let mut lines = vec![format!(
            "{state}: {} samples in {} sections of {} parts, {} records in the log",
            self.samples, self.sections, self.parts, self.log_records
        )];
        lines.extend(self.damage.iter().cloned());
        lines.join("\n")
    }
}

impl Human for ExportReport {
    fn human(&self) -> String {
        let mut lines =
            vec![format!("{}: {} samples of {} series", self.to, self.samples, self.series)];
        if self.stale_markers_left_out > 0 {
            lines.push(format!(
                "{} markers of a series' end left out: OpenMetrics has none",
                self.stale_markers_left_out
            ));
        }
        lines.extend(self.warnings.iter().cloned());
        lines.join("\n")
    }
}

impl Human for ImportReport {
    fn human(&self) -> String {
        let mut lines = Vec::new();
        for file in &self.files {
            lines.push(format!(
                "{}: {} samples, {} taken, {} were there already",
                file.file, file.samples, file.taken, file.duplicates
            ));
            for refused in &file.refused {
                lines.push(format!("  {} refused: {}", refused.samples, refused.message));
            }
        }
        lines.join("\n")
    }
}
