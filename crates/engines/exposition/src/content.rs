//! Which format a body has, by its `Content-Type`, and which formats a scraper asks for.

use std::fmt::Write;

/// The formats that [`crate::Parser`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentKind {
    /// `text/plain`, versions 0.0.4 and 1.0.0 (names in UTF-8).
    Text,
    /// `application/openmetrics-text`
    OpenMetrics,
    /// `application/vnd.google.protobuf`: `io.prometheus.client.MetricFamily`, each after its length.
    Protobuf,
}

/// Why a `Content-Type` names no format; worded as Go's and Prometheus' errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentTypeError {
    #[error(
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
    )]
    Blank,
    #[error(
        "received unsupported Content-Type \"{found}\" and no fallback_scrape_protocol specified for target"
    )]
    Unknown { found: String },
    #[error(
        "cannot parse Content-Type \"{found}\" and no fallback_scrape_protocol for target: {problem}"
    )]
    Malformed { found: String, problem: &'static str },
}

impl ContentKind {
    /// Reads a `Content-Type`. A target that sends none, or one of another kind, is read as `fallback` where the configuration has one.
    ///
    /// # Errors
    /// When the type is blank, unknown or malformed and there is no `fallback`.
    pub fn of(content_type: &str, fallback: Option<Self>) -> Result<Self, ContentTypeError> {
        let found = || content_type.to_owned();
        let problem = if content_type.trim().is_empty() {
            ContentTypeError::Blank
        } else {
            match media_type(content_type) {
                Ok(kind) => match kind.as_str() {
                    "application/openmetrics-text" => return Ok(Self::OpenMetrics),
                    "application/vnd.google.protobuf" => return Ok(Self::Protobuf),
                    "text/plain" => return Ok(Self::Text),
                    _ => ContentTypeError::Unknown { found: found() },
                },
                Err(problem) => ContentTypeError::Malformed { found: found(), problem },
            }
        };
        fallback.ok_or(problem)
    }

    /// The `Content-Type` under which [`crate::write`] sends this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            Self::OpenMetrics => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
            }
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores"
            }
        }
    }

    /// The format that an `Accept` header prefers of those that we write; text where it names none.
    pub fn accepted(accept: &str) -> Self {
        let mut best = (Self::Text, 0.0);
        for part in accept.split(',') {
            let mut words = part.split(';').map(str::trim);
            let kind = match words.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/openmetrics-text" => Self::OpenMetrics,
                "application/vnd.google.protobuf" => Self::Protobuf,
                "text/plain" | "text/*" | "*/*" => Self::Text,
                _ => continue,
            };
            let words: Vec<&str> = words.collect();
            let quality = words
                .iter()
                .find_map(|word| word.strip_prefix("q="))
                .and_then(|quality| quality.parse().ok())
                .unwrap_or(1.0);
            let delimited = kind != Self::Protobuf || words.contains(&"encoding=delimited");
            if delimited && quality > best.1 {
                best = (kind, quality);
            }
        }
        best.0
    }

    /// The `Accept` header of a scrape that prefers `kinds` in this order, with names in UTF-8 where `utf8` allows them.
    pub fn accept_header(kinds: &[Self], utf8: bool) -> String {
        let escaping = if utf8 { ";escaping=allow-utf-8" } else { "" };
        let mut header = String::new();
        let mut quality = kinds.len() + 1;
        for kind in kinds {
            let name = match kind {
                Self::Text if utf8 => "text/plain;version=1.0.0",
                Self::Text => "text/plain;version=0.0.4",
                Self::OpenMetrics => "application/openmetrics-text;version=1.0.0",
                Self::Protobuf => {
                    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
                }
            };
            // No writer into a `String` fails.
            write!(header, "{name}{escaping};q=0.{quality},").unwrap_or_default();
            quality = quality.saturating_sub(1);
        }
        header.push_str("*/*;q=0.1");
        header
    }
}

/// The media type of a header in lower case, when the header is one that Go's `mime.ParseMediaType` reads.
fn media_type(header: &str) -> Result<String, &'static str> {
    let (kind, parameters) = header.split_once(';').unwrap_or((header, ""));
    let kind = kind.trim().to_ascii_lowercase();
    if kind.starts_with('/') || kind.is_empty() {
        return Err("mime: no media type");
    }
    if let Some((_, sub)) = kind.split_once('/') {
        if sub.is_empty() {
            return Err("mime: expected token after slash");
        }
        if !sub.bytes().all(is_token) {
            return Err("mime: unexpected content after media subtype");
        }
    }
    let mut names: Vec<String> = Vec::new();
    for parameter in split_parameters(parameters) {
        let Some((name, _)) = parameter.split_once('=') else {
            return Err("mime: invalid media parameter");
        };
        let name = name.trim().to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err("mime: invalid media parameter");
        }
        if names.contains(&name) {
            return Err("mime: duplicate parameter name");
        }
        names.push(name);
    }
    Ok(kind)
}

/// Parameters, split at semicolons outside of quotes; an empty one after the last semicolon does no harm.
fn split_parameters(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |char| {
        quoted ^= char == '"';
        char == ';' && !quoted
    })
    .map(str::trim)
    .filter(|parameter| !parameter.is_empty())
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_name_their_format() {
        let of = |text| ContentKind::of(text, None);
        assert_eq!(of("text/plain; version=0.0.4"), Ok(ContentKind::Text));
        assert_eq!(
            of("application/openmetrics-text; version=1.0.0; charset=utf-8"),
            Ok(ContentKind::OpenMetrics)
        );
        assert_eq!(of(""), Err(ContentTypeError::Blank));
        assert!(of("text/html").is_err());
        assert_eq!(ContentKind::of("text/html", Some(ContentKind::Text)), Ok(ContentKind::Text));
    }

    #[test]
    fn accept_prefers_by_quality() {
        let header = ContentKind::accept_header(
            &[ContentKind::Protobuf, ContentKind::OpenMetrics, ContentKind::Text],
            true,
        );
        assert_eq!(ContentKind::accepted(&header), ContentKind::Protobuf);
        assert_eq!(ContentKind::accepted("*/*"), ContentKind::Text);
        assert_eq!(
            ContentKind::accepted("application/openmetrics-text;q=0.9,text/plain;q=0.5"),
            ContentKind::OpenMetrics
        );
    }
}
