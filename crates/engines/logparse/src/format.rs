//! The formats, by name, and the door to their parsers.

use std::{fmt, str::FromStr};

use crate::{
    Options, ParseError, Parsed, access, alb, apache_error, cri, detect, json, klog, logfmt,
    nginx_error, plain, syslog,
};

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// Whatever [`detect`] says of each line.
    #[default]
    Auto,
    /// One JSON object (RFC 8259).
    Json,
    /// `key=value key="quoted value"` (brandur.org/logfmt).
    Logfmt,
    /// Access logs of Apache and NGINX: common, combined, NGINX' packaged `main`, ingress-nginx' `upstreaminfo`.
    Access,
    /// Apache's error log.
    ApacheError,
    /// NGINX' error log.
    NginxError,
    /// Access logs of an AWS application load balancer.
    Alb,
    /// Lines as the Kubernetes container runtime interface writes them to files.
    Cri,
    /// klog (Kubernetes) and glog.
    Klog,
    /// RFC 5424, RFC 3164 and what devices make of it.
    Syslog,
    /// Anything; a time and a level are read when the line begins with them.
    Plain,
}

/// A name that no format has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown log format `{0}`; one of {NAMES}")]
pub struct UnknownFormat(Box<str>);

const NAMES: &str =
    "auto, json, logfmt, access, apache_error, nginx_error, alb, cri, klog, syslog, plain";

impl Format {
    /// The name by which a user asks for it; [`FromStr`] reads it, and knows some others.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Json => "json",
            Self::Logfmt => "logfmt",
            Self::Access => "access",
            Self::ApacheError => "apache_error",
            Self::NginxError => "nginx_error",
            Self::Alb => "alb",
            Self::Cri => "cri",
            Self::Klog => "klog",
            Self::Syslog => "syslog",
            Self::Plain => "plain",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(match name {
            "auto" => Self::Auto,
            "json" | "jsonl" | "ndjson" => Self::Json,
            "logfmt" => Self::Logfmt,
            "access" | "common" | "combined" | "apache" | "nginx" => Self::Access,
            "apache_error" => Self::ApacheError,
            "nginx_error" => Self::NginxError,
            "alb" => Self::Alb,
            "cri" => Self::Cri,
            "klog" | "glog" => Self::Klog,
            "syslog" | "rfc5424" | "rfc3164" => Self::Syslog,
            "plain" | "text" => Self::Plain,
            _ => return Err(UnknownFormat(name.into())),
        })
    }
}

/// Reads one record, which may span lines when [`Joiner`](crate::Joiner) joined them. White space around it is not part of it, except in plain
/// text and container lines, which lose only their line end.
///
/// # Errors
/// When the record is not of the format. Plain text always is.
pub fn parse(format: Format, record: &str, options: &Options) -> Result<Parsed, ParseError> {
    let format = if format == Format::Auto { detect(record) } else { format };
    let line = match format {
        Format::Plain | Format::Cri => record.trim_end_matches(['\r', '\n']),
        _ => record.trim_ascii(),
    };
    let before = record.len() - record.trim_ascii_start().len();
    let parsed = match format {
        Format::Auto | Format::Plain => return Ok(plain::parse(line, options)),
        Format::Cri => return cri::parse(line),
        Format::Json => json::parse(line, options),
        Format::Logfmt => logfmt::parse(line, options),
        Format::Access => access::parse(line, options),
        Format::ApacheError => apache_error::parse(line, options),
        Format::NginxError => nginx_error::parse(line, options),
        Format::Alb => alb::parse(line, options),
        Format::Klog => klog::parse(line, options),
        Format::Syslog => syslog::parse(line, options),
    };
    parsed.map_err(|error| ParseError { column: error.column + before, ..error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for name in NAMES.split(", ") {
            assert_eq!(name.parse::<Format>().unwrap().as_str(), name);
        }
        assert_eq!(
            "xml".parse::<Format>().unwrap_err().to_string(),
            format!("unknown log format `xml`; one of {NAMES}")
        );
    }

    #[test]
    fn columns_count_the_white_space_that_was_skipped() {
        let error =
            parse(Format::Json, "  {\"a\":}", &Options::new(model::Timestamp::EPOCH)).unwrap_err();
        assert_eq!(error.column, 8);
        assert_eq!(
            error.to_string(),
            "not a line of the format `json`: expected a value at byte column 8"
        );
    }
}
