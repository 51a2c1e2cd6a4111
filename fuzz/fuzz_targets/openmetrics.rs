//! Bodies of metrics in all formats: OpenMetrics, Prometheus' text, protobuf. The first byte says how it is read.

#![no_main]

use exposition::{ContentKind, Entry, Options, ParseError, Parser, openmetrics};
use libfuzzer_sys::fuzz_target;

/// How many entries there are.
fn read(kind: ContentKind, body: &[u8], options: Options) -> Result<usize, ParseError> {
    let mut parser = Parser::new(kind, body, options);
    let mut count = 0;
    while let Some(entry) = parser.next()? {
        count += 1;
        match entry {
            Entry::Series(series) => {
                drop((series.labels(), series.exemplar(), series.duplicate_label()));
            }
            Entry::Histogram(histogram) => {
                drop((histogram.labels(), histogram.exemplars(), histogram.duplicate_label()));
            }
            Entry::Help { .. } | Entry::Type { .. } | Entry::Unit { .. } | Entry::Comment(_) => {}
        }
    }
    Ok(count)
}

fuzz_target!(|input: &[u8]| {
    let Some((how, body)) = input.split_first() else {
        return;
    };
    let options = Options {
        native_histograms: how & 1 == 0,
        classic_histograms: how & 2 == 0,
        convert_classic: how & 4 == 0,
        type_and_unit_labels: how & 8 == 0,
        starts: how & 16 == 0,
    };
    let kind = match how >> 5 {
        0 | 1 | 2 => ContentKind::OpenMetrics,
        3 | 4 => ContentKind::Text,
        _ => ContentKind::Protobuf,
    };
    if let Err(error) = read(kind, body, options) {
        assert!(error.at().is_none_or(|at| at <= body.len() + 1), "{error}");
    }
    // What keeps all rules is also what a scrape takes.
    if openmetrics::check(body).is_ok() {
        assert!(read(ContentKind::OpenMetrics, body, Options::default()).is_ok());
    }
});
