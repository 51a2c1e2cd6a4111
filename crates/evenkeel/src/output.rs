//! Data on standard output, as a table, JSON or YAML.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::exit::{Exit, Failure};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people; may change between versions.
    #[default]
    Table,
    /// For programs; the API's own types, stable.
    Json,
    /// The same as JSON.
    Yaml,
}

/// How a type shows itself to people.
pub(crate) trait Human {
    fn human(&self) -> String;
}

/// Writes `value` in the asked format.
pub(crate) fn print<T: Serialize + Human>(format: Format, value: &T) -> Result<(), Failure> {
    let text = match format {
        Format::Table => value.human(),
        Format::Json => serde_json::to_string_pretty(value)
            .map_err(|error| Failure::new(Exit::FailStop, error))?,
        Format::Yaml => {
            serde_saphyr::to_string(value).map_err(|error| Failure::text(Exit::FailStop, error))?
        }
    };
    say(text.trim_end())
}

/// Writes a line; a reader that has gone away is no error (`evenkeel … | head`).
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failed, error))
        }
        _ => Ok(()),
    }
}

/// Talk, as opposed to data: goes to standard error.
pub(crate) fn note(text: &str) {
    // A reader that has gone away is no error here either.
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// A plain table: aligned columns, no lines.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    wide_table(header.map(str::to_owned).into(), rows.into_iter().map(Vec::from))
}

/// As [`table`], of as many columns as there are.
pub(crate) fn wide_table(header: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    let mut any = false;
    for row in rows {
        any = true;
        table.add_row(row.iter().map(|cell| one_line(cell)));
    }
    if !any {
        return "nothing to show".to_owned();
    }
    table
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// A cell of a table: long texts and several lines are for `-o json`.
fn one_line(cell: &str) -> String {
    const CHARS_MAX: usize = 160;
    let line = cell.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => format!("{}…", line.split_at(at).0),
        None => line,
    }
}

/// `-` for what is not known.
pub(crate) fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

/// A ratio as a percentage with enough digits to tell 99.9 from 99.95.
pub(crate) fn percent(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.2} %", ratio * 100.0))
}

/// The two largest units of a time span: `3 d 4 h`, `12 m 5 s`, `4 s`.
pub(crate) fn duration(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0) else {
        return "-".to_owned();
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "finite, positive, bounded"
    )]
    let whole = seconds.min(1e12) as u64;
    let parts = [
        (whole / 86_400, "d"),
        (whole / 3600 % 24, "h"),
        (whole / 60 % 60, "m"),
        (whole % 60, "s"),
    ];
    let shown: Vec<String> = parts
        .iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if shown.is_empty() { "0 s".to_owned() } else { shown.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_two_units() {
        let check = |seconds, text: &str| assert_eq!(duration(Some(seconds)), text);
        check(0.4, "0 s");
        check(59.0, "59 s");
        check(725.0, "12 m 5 s");
        check(3600.0, "1 h");
        check(273_600.0, "3 d 4 h");
        assert_eq!(duration(Some(f64::NAN)), "-");
        assert_eq!(duration(None), "-");
    }
}
