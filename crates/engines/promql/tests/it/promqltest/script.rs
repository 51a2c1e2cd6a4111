//! The language of scripts: `clear`, `load`, `eval`.

use promql::Query;
use regex::Regex;

use super::series::{self, Sequence};

/// One statement.
pub(super) enum Command {
    Clear,
    Load(Load),
    Eval(Box<Eval>),
}

/// Series with a value at every `gap_ms`.
pub(super) struct Load {
    pub(super) with_nhcb: bool,
    pub(super) gap_ms: i64,
    pub(super) series: Vec<(model::Labels, Vec<Sequence>, Vec<Option<i64>>)>,
}

/// What a text must be.
#[derive(Default)]
pub(super) enum Wanted {
    #[default]
    Any,
    Text(String),
    Pattern(Regex),
}

impl Wanted {
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Text(wanted) => wanted == text,
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("anything"),
            Self::Text(text) => f.write_str(text),
            Self::Pattern(pattern) => write!(f, "/{pattern}/"),
        }
    }
}

/// An expression and what it must give.
#[derive(Default)]
pub(super) struct Eval {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) query: Option<Query>,
    pub(super) fail: Option<Wanted>,
    pub(super) warn: Vec<Wanted>,
    pub(super) info: Vec<Wanted>,
    pub(super) no_warn: bool,
    pub(super) no_info: bool,
    pub(super) ordered: bool,
    pub(super) string: Option<String>,
    pub(super) scalar: Option<f64>,
    pub(super) series: Vec<(model::Labels, Vec<Sequence>)>,
    /// Start and step of an instant query that gives a range vector.
    pub(super) matrix: Option<(i64, i64)>,
}

/// Prometheus' durations, in milliseconds.
pub(super) fn duration(text: &str) -> i64 {
    if text == "0" {
        return 0;
    }
    let (mut rest, mut total) = (text, 0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: i64 = rest[..digits].parse().unwrap_or_else(|_| panic!("duration {text}"));
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000,
            other => panic!("unit {other} of {text}"),
        };
        total += number * unit;
        rest = &rest[end..];
    }
    total
}

pub(super) fn parse(text: &str) -> Vec<Command> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .map(|line| if line.starts_with('#') { "" } else { line })
        .collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let number = at + 1;
        at += 1;
        if line.is_empty() {
            continue;
        }
        let end =
            lines[at..].iter().position(|line| line.is_empty()).map_or(lines.len(), |end| at + end);
        if line == "clear" {
            commands.push(Command::Clear);
        } else if let Some(rest) = line.strip_prefix("load_with_nhcb ") {
            commands.push(Command::Load(load(rest, true, &lines[at..end])));
            at = end;
        } else if let Some(rest) = line.strip_prefix("load ") {
            commands.push(Command::Load(load(rest, false, &lines[at..end])));
            at = end;
        } else if line.starts_with("eval") {
            commands.push(Command::Eval(Box::new(eval(line, number, &lines[at..end]))));
            at = end;
        } else {
            panic!("line {number}: {line}");
        }
    }
    commands
}

fn load(gap: &str, with_nhcb: bool, lines: &[&str]) -> Load {
    let mut series = Vec::new();
    let mut pending: Option<Vec<Option<i64>>> = None;
    let mut default: Vec<Option<i64>> = Vec::new();
    for line in lines {
        let first = line.split_whitespace().next().unwrap_or("");
        if let Some(metric) = first.strip_suffix("@st") {
            let starts = series::starts(&line[first.len()..]);
            if metric.is_empty() {
                default = starts;
            } else {
                pending = Some(starts);
            }
            continue;
        }
        let (labels, values) = series::series(line);
        let starts = pending.take().unwrap_or_else(|| {
            let cycled =
                default.iter().cycle().take(if default.is_empty() { 0 } else { values.len() });
            cycled.copied().collect()
        });
        series.push((labels, values, starts));
    }
    Load { with_nhcb, gap_ms: duration(gap.trim()), series }
}

fn eval(line: &str, number: usize, lines: &[&str]) -> Eval {
    let instant =
        Regex::new(r"^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$")
            .unwrap();
    let range = Regex::new(
        r"^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$",
    )
    .unwrap();
    let mut eval = Eval { line: number, ..Eval::default() };
    let mode = if let Some(found) = instant.captures(line) {
        eval.text = found[3].to_owned();
        eval.query = Some(Query::instant(duration(found.get(2).map_or("0", |at| at.as_str()))));
        found.get(1).map(|mode| mode.as_str().to_owned())
    } else {
        let found = range.captures(line).unwrap_or_else(|| panic!("line {number}: {line}"));
        eval.text = found[5].to_owned();
        eval.query = Some(Query {
            start_ms: duration(&found[2]),
            end_ms: duration(&found[3]),
            step_ms: duration(&found[4]),
        });
        found.get(1).map(|mode| mode.as_str().to_owned())
    };
    match mode.as_deref() {
        Some("fail") => eval.fail = Some(Wanted::Any),
        Some("warn") => eval.warn.push(Wanted::Any),
        Some("info") => eval.info.push(Wanted::Any),
        Some("ordered") => eval.ordered = true,
        _ => {}
    }
    for line in lines {
        expect(&mut eval, line);
    }
    eval
}

fn expect(eval: &mut Eval, line: &str) {
    if let Some(message) = line.strip_prefix("expected_fail_message") {
        eval.fail = Some(Wanted::Text(message.trim().to_owned()));
    } else if let Some(pattern) = line.strip_prefix("expected_fail_regexp") {
        eval.fail = Some(Wanted::Pattern(Regex::new(pattern.trim()).unwrap()));
    } else if let Some(rest) = line.strip_prefix("expect range vector from ") {
        let (from, rest) = rest.split_once(" to ").unwrap();
        let (_, step) = rest.split_once(" step ").unwrap();
        eval.matrix = Some((duration(from.trim()), duration(step.trim())));
    } else if let Some(text) = line.strip_prefix("expect string ") {
        eval.string = Some(series::unquoted(text));
    } else if let Some(rest) = line.strip_prefix("expect ") {
        let (kind, wanted) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let wanted = match wanted.trim().split_once(':') {
            Some(("msg", text)) => Wanted::Text(text.trim().to_owned()),
            Some(("regex", pattern)) => Wanted::Pattern(Regex::new(pattern.trim()).unwrap()),
            _ => Wanted::Any,
        };
        match kind {
            "fail" => eval.fail = Some(wanted),
            "warn" => eval.warn.push(wanted),
            "info" => eval.info.push(wanted),
            "no_warn" => eval.no_warn = true,
            "no_info" => eval.no_info = true,
            "ordered" => eval.ordered = true,
            other => panic!("line {}: expect {other}", eval.line),
        }
    } else if let Some(number) = series::number(line) {
        eval.scalar = Some(number);
    } else {
        eval.series.push(series::series(line));
    }
}
