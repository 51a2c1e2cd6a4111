//! Lines of the Kubernetes container runtime interface: `2016-10-06T00:17:09.669794202Z stdout F text`.
//!
//! `P` marks a part of a line that goes on in the next of the same stream. Source: the design proposal `kubelet-cri-logging.md` of
//! kubernetes/design-proposals-archive.

use model::{Timestamp, Value};

use crate::{Format, Options, ParseError, Parsed, scan::Scan, time};

/// A line of a container, without what the runtime wrote before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CriLine<'a> {
    pub(crate) at: Timestamp,
    /// Whether it came from the standard error.
    pub(crate) stderr: bool,
    /// Whether it goes on in the next line of its stream.
    pub(crate) partial: bool,
    pub(crate) text: &'a str,
}

impl CriLine<'_> {
    /// The semantic conventions' `log.iostream`.
    pub(crate) const fn stream(&self) -> &'static str {
        if self.stderr { "stderr" } else { "stdout" }
    }
}

pub(crate) fn parse(line: &str) -> Result<Parsed, ParseError> {
    let line = read(line)?;
    let mut parsed = Parsed::new(Value::string(line.text));
    parsed.at = Some(line.at);
    parsed.put_text("log.iostream", line.stream());
    if line.partial {
        parsed.put_text("cri.tag", "P");
    }
    Ok(parsed)
}

pub(crate) fn read(line: &str) -> Result<CriLine<'_>, ParseError> {
    let mut scan = Scan::new(Format::Cri, line);
    let start = scan.clone();
    // The runtime writes an offset always, so that no zone is needed.
    let at = time::whole(scan.token(), &Options::new(Timestamp::EPOCH))
        .ok_or_else(|| start.fail("expected a time"))?;
    scan.expect(" ", "expected a space")?;
    let start = scan.clone();
    let stderr = match scan.token() {
        "stdout" => false,
        "stderr" => true,
        _ => return Err(start.fail("expected `stdout` or `stderr`")),
    };
    scan.expect(" ", "expected a space")?;
    let start = scan.clone();
    // Further tags may follow the first, after colons.
    let partial = match scan.token().split(':').next() {
        Some("P") => true,
        Some("F") => false,
        _ => return Err(start.fail("expected `P` or `F`")),
    };
    // An empty line may lack its space.
    scan.eat(" ");
    Ok(CriLine { at, stderr, partial, text: scan.rest() })
}

/// Whether a line is shaped like this: a time with `T`, then a stream.
pub(crate) fn looks_like(line: &str) -> bool {
    line.as_bytes().get(10) == Some(&b'T')
        && line
            .split_once(' ')
            .is_some_and(|(_, rest)| rest.starts_with("stdout ") || rest.starts_with("stderr "))
        && read(line).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kept_to_the_last_space() {
        let line = read("2016-10-06T00:17:09.669794202Z stderr P   indented ").unwrap();
        assert_eq!(line.at.to_string(), "2016-10-06T00:17:09.669794202Z");
        assert_eq!((line.stream(), line.partial, line.text), ("stderr", true, "  indented "));
        let line = read("2016-10-06T02:17:09+02:00 stdout F:x").unwrap();
        assert_eq!(line.at.to_string(), "2016-10-06T00:17:09Z");
        assert_eq!((line.partial, line.text), (false, ""));
    }

    #[test]
    fn faults_have_their_column() {
        let fault = |line: &str| {
            let error = read(line).unwrap_err();
            (error.what, error.column)
        };
        assert_eq!(fault("now stdout F x"), ("expected a time", 1));
        assert_eq!(fault("2016-10-06T00:17:09Z"), ("expected a space", 21));
        assert_eq!(fault("2016-10-06T00:17:09Z out F x"), ("expected `stdout` or `stderr`", 22));
        assert_eq!(fault("2016-10-06T00:17:09Z stdout X x"), ("expected `P` or `F`", 29));
    }
}
