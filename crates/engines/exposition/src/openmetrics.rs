//! Whether a body keeps all rules of OpenMetrics 1.0, as the reference parser has them.
//!
//! A scrape takes more than this; the check is for those who write an exporter. The rules are those of the specification's
//! sections on metric types, on grouping and ordering, and on exemplars.

mod histogram;

use std::collections::{BTreeMap, HashSet};

use model::MetricKind;

use crate::{
    Entry, Options, ParseError, SeriesEntry,
    number::parse_float,
    text::{Dialect, TextParser},
};

/// Code points that an exemplar's label names and values may have together.
const EXEMPLAR_CHARS_MAX: usize = 128;

/// Checks a body.
///
/// # Errors
/// The first fault: of syntax, or a rule that is broken, with its line.
pub fn check(body: &[u8]) -> Result<(), ParseError> {
    let mut parser = TextParser::new(body, Dialect::OpenMetrics, Options::default());
    parser.verbatim = true;
    let mut checker = Checker::default();
    let (mut counted, mut lines) = (0, 1);
    while parser.advance()? {
        let before = parser.before();
        lines += memchr::memchr_iter(b'\n', before.get(counted..).unwrap_or_default()).count();
        counted = before.len();
        if parser.spare_comma {
            return Err(rule(lines, "a comma before the closing brace"));
        }
        checker.entry(parser.entry()).map_err(|what| rule(lines, what))?;
    }
    checker.finish().map_err(|what| rule(lines + 1, what))
}

fn rule(line: usize, what: impl Into<String>) -> ParseError {
    ParseError::Rule { line, what: what.into() }
}

type Fault = Result<(), String>;

/// Names and values, sorted.
pub(crate) type Pairs = BTreeMap<String, String>;

/// A sample of the family at hand.
#[derive(Debug)]
struct Sample {
    /// The name after the family's.
    suffix: String,
    labels: Pairs,
    value: f64,
    at_ms: Option<Seconds>,
}

/// A time as it was written, so that times that differ by less than a millisecond do.
type Seconds = f64;

#[derive(Debug, Default)]
struct Checker {
    /// Names that families have taken, with their suffixes.
    taken: HashSet<String>,
    family: Option<Family>,
}

#[derive(Debug, Default)]
struct Family {
    name: String,
    kind: Option<MetricKind>,
    unit: Option<String>,
    helped: bool,
    samples: Vec<Sample>,
    /// The labels of the metric that the last sample belongs to, and that sample's time.
    group: Option<(Pairs, Option<Seconds>)>,
    groups: HashSet<Vec<(String, String)>>,
}

impl Checker {
    fn entry(&mut self, entry: Entry<'_>) -> Fault {
        match entry {
            Entry::Help { family, .. } => {
                let family = self.described(&family)?;
                if std::mem::replace(&mut family.helped, true) {
                    return Err(format!("a second HELP of `{}`", family.name));
                }
            }
            Entry::Type { family, kind } => {
                let family = self.described(&family)?;
                if family.kind.replace(kind).is_some() {
                    return Err(format!("a second TYPE of `{}`", family.name));
                }
            }
            Entry::Unit { family, unit } => {
                let family = self.described(&family)?;
                if family.unit.replace(unit.into_owned()).is_some() {
                    return Err(format!("a second UNIT of `{}`", family.name));
                }
            }
            Entry::Series(series) => self.series(&series)?,
            Entry::Comment(_) | Entry::Histogram(_) => {}
        }
        Ok(())
    }

    /// The family that a comment is about.
    fn described(&mut self, name: &str) -> Result<&mut Family, String> {
        let known = self.family.as_ref().is_some_and(|family| family.name == name);
        if !known {
            self.begin(name)?;
        }
        match &mut self.family {
            Some(family) if family.samples.is_empty() && family.group.is_none() => Ok(family),
            _ => Err(format!("`{name}` is described after its samples")),
        }
    }

    /// Ends the family at hand and begins another.
    fn begin(&mut self, name: &str) -> Fault {
        self.end()?;
        self.family = Some(Family { name: name.to_owned(), ..Family::default() });
        Ok(())
    }

    fn series(&mut self, series: &SeriesEntry<'_>) -> Fault {
        let mut pairs = Pairs::new();
        let mut twice = None;
        let mut name = String::new();
        series.visit_labels(|label, value| {
            if label == model::Labels::METRIC_NAME {
                value.clone_into(&mut name);
            } else if pairs.insert(label.to_owned(), value.to_owned()).is_some() {
                twice = Some(label.to_owned());
            }
        });
        if let Some(twice) = twice {
            return Err(format!("the label `{twice}` stands twice"));
        }
        let belongs = |family: &Family| {
            let suffixes = suffixes(family.kind());
            name == family.name
                || name.strip_prefix(&family.name).is_some_and(|rest| suffixes.contains(&rest))
        };
        if !self.family.as_ref().is_some_and(belongs) {
            self.begin(&name)?;
        }
        let Some(family) = &mut self.family else {
            return Ok(());
        };
        let suffix = name.strip_prefix(&family.name).unwrap_or_default().to_owned();
        #[expect(clippy::cast_precision_loss, reason = "compared with others of its kind only")]
        let at = series.at_ms.map(|at_ms| at_ms as Seconds);
        let sample = Sample { suffix, labels: pairs, value: series.value, at_ms: at };
        family.check_labels(&sample)?;
        family.check_group(&sample)?;
        family.check_value(&sample)?;
        family.check_exemplar(series, &sample)?;
        family.samples.push(sample);
        Ok(())
    }

    fn end(&mut self) -> Fault {
        let Some(family) = self.family.take() else {
            return Ok(());
        };
        let kind = family.kind();
        let mut names: Vec<&str> = suffixes(kind).to_vec();
        if !names.contains(&"") {
            names.push("");
        }
        for suffix in names {
            let name = format!("{}{suffix}", family.name);
            if self.taken.contains(&name) {
                return Err(format!("`{name}` clashes with another family"));
            }
            self.taken.insert(name);
        }
        let unit = family.unit.as_deref().unwrap_or_default();
        if !unit.is_empty() && matches!(kind, MetricKind::Info | MetricKind::StateSet) {
            return Err(format!("`{}` has a unit, which {} has not", family.name, kind.as_str()));
        }
        if matches!(kind, MetricKind::Histogram | MetricKind::GaugeHistogram) {
            histogram::check(&family.samples)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Fault {
        self.end()
    }
}

/// What may follow a family's name in its samples' names.
const fn suffixes(kind: MetricKind) -> &'static [&'static str] {
    match kind {
        MetricKind::Counter => &["_total", "_created"],
        MetricKind::Summary => &["", "_sum", "_count", "_created"],
        MetricKind::Histogram => &["_bucket", "_sum", "_count", "_created"],
        MetricKind::GaugeHistogram => &["_bucket", "_gsum", "_gcount"],
        MetricKind::Info => &["_info"],
        MetricKind::Gauge | MetricKind::StateSet | MetricKind::Unknown => &[""],
    }
}

impl Family {
    fn kind(&self) -> MetricKind {
        self.kind.unwrap_or_default()
    }

    fn check_labels(&self, sample: &Sample) -> Fault {
        let whole = sample.value.fract() == 0.0 || !sample.value.is_finite();
        let name = &self.name;
        if self.kind() == MetricKind::StateSet && !sample.labels.contains_key(name) {
            return Err(format!("a state of `{name}` has no label `{name}`"));
        }
        if sample.suffix == "_bucket" {
            let bound = sample.labels.get("le").map_or("", String::as_str);
            let value = parse_float(bound.as_bytes()).unwrap_or(f64::NAN);
            if value.is_nan() || (value == f64::INFINITY && bound != "+Inf") {
                return Err(format!("a bucket of `{name}` has the bound `{bound}`"));
            }
            if !whole {
                return Err(format!("a bucket of `{name}` is no whole number"));
            }
        }
        if matches!(sample.suffix.as_str(), "_count" | "_gcount") && !whole {
            return Err(format!("the count of `{name}` is no whole number"));
        }
        if self.kind() == MetricKind::Summary && sample.suffix.is_empty() {
            let quantile = sample.labels.get("quantile").map_or("", String::as_str);
            let value = parse_float(quantile.as_bytes()).unwrap_or(f64::NAN);
            if !(0.0..=1.0).contains(&value) {
                return Err(format!("a quantile of `{name}` is `{quantile}`"));
            }
        }
        Ok(())
    }

    /// Samples of one metric stand together, in order of time.
    fn check_group(&mut self, sample: &Sample) -> Fault {
        let group = self.group_of(sample);
        let key: Vec<_> = group.clone().into_iter().collect();
        match &self.group {
            Some((last, at)) if *last == group => {
                if at.is_some() != sample.at_ms.is_some() {
                    return Err("some samples of a metric have a time and some have none".into());
                }
                if self.kind() != MetricKind::Info && *at > sample.at_ms {
                    return Err("times go backwards".to_owned());
                }
            }
            Some(_) if self.groups.contains(&key) => {
                return Err("the samples of a metric do not stand together".to_owned());
            }
            _ => {}
        }
        self.groups.insert(key);
        self.group = Some((group, sample.at_ms));
        Ok(())
    }

    /// The labels that the samples of one metric have in common.
    fn group_of(&self, sample: &Sample) -> Pairs {
        let own = match self.kind() {
            MetricKind::Info => return Pairs::new(),
            MetricKind::Summary if sample.suffix.is_empty() => "quantile",
            MetricKind::StateSet => &self.name,
            MetricKind::Histogram | MetricKind::GaugeHistogram if sample.suffix == "_bucket" => {
                "le"
            }
            _ => return sample.labels.clone(),
        };
        let mut labels = sample.labels.clone();
        labels.remove(own);
        labels
    }

    fn check_value(&self, sample: &Sample) -> Fault {
        let (name, value) = (&self.name, sample.value);
        let suffix = sample.suffix.as_str();
        match self.kind() {
            MetricKind::StateSet if value != 0.0 && value != 1.0 => {
                return Err(format!("a state of `{name}` is {value}; 0 and 1 are allowed"));
            }
            MetricKind::Info if value != 1.0 => {
                return Err(format!("the info `{name}` is {value}; 1 is allowed"));
            }
            MetricKind::Summary if suffix.is_empty() && value < 0.0 => {
                return Err(format!("a quantile of `{name}` has the value {value}"));
            }
            _ => {}
        }
        let counts = matches!(suffix, "_total" | "_sum" | "_count" | "_bucket" | "_gcount");
        if (counts || suffix == "_gsum") && value.is_nan() {
            return Err(format!("`{name}{suffix}` counts and is NaN"));
        }
        if counts && value < 0.0 {
            return Err(format!("`{name}{suffix}` counts and is negative"));
        }
        Ok(())
    }

    fn check_exemplar(&self, series: &SeriesEntry<'_>, sample: &Sample) -> Fault {
        let Some(exemplar) = series.exemplar() else {
            return Ok(());
        };
        let allowed = match self.kind() {
            MetricKind::Histogram | MetricKind::GaugeHistogram => sample.suffix == "_bucket",
            MetricKind::Counter => sample.suffix == "_total",
            _ => false,
        };
        if !allowed {
            return Err("only buckets and counters have exemplars".to_owned());
        }
        let chars = |text: &str| text.chars().count();
        let size: usize =
            exemplar.labels.iter().map(|(name, value)| chars(name) + chars(value)).sum();
        if size > EXEMPLAR_CHARS_MAX {
            return Err(format!(
                "an exemplar's labels have {size} characters; at most {EXEMPLAR_CHARS_MAX} are allowed"
            ));
        }
        Ok(())
    }
}
