//! From a body to samples: the parser's entries are given to the target's pass.

use std::sync::Arc;

use exposition::{ContentKind, Entry, Options, Parser};
use model::Exemplar;
use scrape::{
    Job, LabelSet, Protocol,
    pass::{Memory, Pass, Rules, Scraped},
};

use super::{fetch::Answer, intake::Intake};

/// Exemplars of one scrape that are kept.
const EXEMPLARS_MAX: usize = 20_000;

/// What became of a body; with an error its samples are staleness markers alone.
pub(super) struct Outcome {
    pub(super) scraped: Scraped,
    pub(super) error: Option<String>,
}

/// Reads a body. Takes as long as the body is long: not for a thread that others wait for.
pub(super) fn body(
    answer: &Answer,
    job: &Job,
    rules: &Rules,
    memory: &mut Memory,
    at_ms: i64,
    intake: &Intake,
) -> Outcome {
    let mut pass = Pass::begin(memory, rules, at_ms);
    let fallback = job.fallback.map(kind);
    let read = ContentKind::of(answer.content_type.as_deref().unwrap_or_default(), fallback)
        .map_err(|error| error.to_string())
        .and_then(|kind| entries(kind, answer.body.bytes(), job, &mut pass, intake));
    match read {
        Ok(()) => {
            let (scraped, error) = pass.finish();
            Outcome { scraped, error: error.map(|error| error.to_string()) }
        }
        Err(error) => Outcome { scraped: pass.abandon(), error: Some(error) },
    }
}

const fn kind(protocol: Protocol) -> ContentKind {
    match protocol {
        Protocol::Protobuf => ContentKind::Protobuf,
        Protocol::Text004 | Protocol::Text100 => ContentKind::Text,
        Protocol::OpenMetrics001 | Protocol::OpenMetrics100 => ContentKind::OpenMetrics,
    }
}

fn entries(
    kind: ContentKind,
    body: &[u8],
    job: &Job,
    pass: &mut Pass<'_>,
    intake: &Intake,
) -> Result<(), String> {
    let options = Options {
        native_histograms: job.native_histograms,
        classic_histograms: job.classic_histograms,
        convert_classic: job.convert_classic,
        ..Options::default()
    };
    let now = intake.now();
    let mut admit = |labels: LabelSet| intake.admit(labels, now);
    let mut exemplars_left = EXEMPLARS_MAX;
    let mut parser = Parser::new(kind, body, options);
    while let Some(entry) = parser.next().map_err(|error| error.to_string())? {
        match entry {
            Entry::Series(entry) => {
                let visit = |visit: &mut dyn FnMut(&str, &str)| entry.visit_labels(visit);
                pass.float(entry.raw, &visit, entry.value, entry.at_ms, &mut admit)
                    .map_err(|error| error.to_string())?;
                if exemplars_left > 0
                    && pass.wants_exemplars()
                    && let Some(found) = entry.exemplar()
                {
                    let found = found.at(entry.at_ms.unwrap_or(pass.at_ms()));
                    exemplars_left -= 1;
                    pass.exemplars(intake.admit_exemplars(vec![found], now));
                }
            }
            Entry::Histogram(entry) => {
                let visit = |visit: &mut dyn FnMut(&str, &str)| entry.visit_labels(visit);
                let histogram = Arc::clone(&entry.histogram);
                pass.histogram(entry.raw, &visit, histogram, entry.at_ms, &mut admit)
                    .map_err(|error| error.to_string())?;
                if exemplars_left > 0 && pass.wants_exemplars() {
                    let at_ms = entry.at_ms.unwrap_or(pass.at_ms());
                    let found = entry.exemplars().into_iter().take(exemplars_left);
                    let found: Vec<Exemplar> = found.map(|one| one.at(at_ms)).collect();
                    exemplars_left -= found.len();
                    pass.exemplars(intake.admit_exemplars(found, now));
                }
            }
            Entry::Help { family, text } => pass.help(&family, &text),
            Entry::Type { family, kind } => pass.kind(&family, kind),
            Entry::Unit { family, unit } => pass.unit(&family, &unit),
            Entry::Comment(_) => {}
        }
    }
    Ok(())
}
