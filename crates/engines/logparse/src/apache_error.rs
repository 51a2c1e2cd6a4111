//! Apache's error log: `[time] [module:level] [pid 1:tid 2] (os)status: [client a:p] message, referer: url`, and that of Apache 2.2 without module
//! and process. `-` stands for a part that is absent.
//!
//! Source: httpd.apache.org/docs/current/mod/core.html#errorlogformat.

use std::net::IpAddr;

use model::Value;

use crate::{Format, Options, ParseError, Parsed, scan::Scan, severity, time};

pub(crate) fn parse(line: &str, options: &Options) -> Result<Parsed, ParseError> {
    let mut scan = Scan::new(Format::ApacheError, line);
    let mut parsed = Parsed::new(Value::Empty);
    let start = scan.clone();
    if let Some(text) = part(&mut scan)? {
        let at =
            time::whole(text, options).ok_or_else(|| start.fail("expected a time in brackets"))?;
        parsed.at = Some(at);
    }
    let start = scan.clone();
    if let Some(text) = part(&mut scan)? {
        level(&mut parsed, text).ok_or_else(|| start.fail("expected a level in brackets"))?;
    }
    let process_next = scan.rest().starts_with("[pid") || scan.rest().starts_with("- ");
    if process_next && let Some(text) = part(&mut scan)? {
        process(&mut parsed, text);
    }
    message(&mut parsed, &mut scan)?;
    Ok(parsed)
}

/// What is in the brackets that are next, or `None` for `-`, `[-]`; and the space after it.
fn part<'a>(scan: &mut Scan<'a>) -> Result<Option<&'a str>, ParseError> {
    let mut dash = scan.clone();
    let text = if dash.eat("-") {
        *scan = dash;
        "-"
    } else {
        scan.expect("[", "expected an opening bracket")?;
        let inside = scan.clone();
        scan.until(b']').ok_or_else(|| inside.fail("expected a closing bracket"))?.trim_ascii()
    };
    if !scan.blanks() && !scan.is_empty() {
        return Err(scan.fail("expected a space"));
    }
    Ok((text != "-").then_some(text))
}

/// `module:level`, or the level alone.
fn level(parsed: &mut Parsed, text: &str) -> Option<()> {
    let (module, word) = text.split_once(':').unwrap_or(("", text));
    severity::from_word(word)?;
    parsed.level(word);
    if !matches!(module, "" | "-") {
        parsed.put_text("apache.module", module);
    }
    Some(())
}

/// `pid 1:tid 2`, or the process alone.
fn process(parsed: &mut Parsed, text: &str) {
    let (process, thread) = text.split_once(':').unwrap_or((text, ""));
    let mut number = |key, text: &str, word| {
        let digits = text.trim_ascii().strip_prefix(word).unwrap_or_default().trim_ascii();
        if !digits.is_empty() {
            parsed.put_int(key, digits);
        }
    };
    number("process.pid", process, "pid");
    number("thread.id", thread, "tid");
}

/// The rest: the client is before or after the operating system's status, and the referer is last.
fn message(parsed: &mut Parsed, scan: &mut Scan<'_>) -> Result<(), ParseError> {
    let mut status = "";
    if let Some(at) = scan.rest().find(": [client ").filter(|_| scan.rest().starts_with('(')) {
        status = scan.take(at + 2);
    }
    let client_next = scan.rest().starts_with("[client") || scan.rest().starts_with("- ");
    if client_next && let Some(text) = part(scan)? {
        client(parsed, text.strip_prefix("client").unwrap_or(text).trim_ascii());
    }
    let (text, referer) = scan.rest().rsplit_once(", referer: ").unwrap_or((scan.rest(), ""));
    if !referer.is_empty() {
        parsed.put_header("http.request.header.referer", referer);
    }
    let text = if status.is_empty() { text.into() } else { [status, text].concat() };
    if !matches!(text.as_str(), "" | "-") {
        parsed.body = Value::string(text);
    }
    Ok(())
}

/// An address with its port. One of version 6 is not in brackets, so the last colon is the port's when what is before it is an address.
pub(crate) fn client(parsed: &mut Parsed, text: &str) {
    let port = text.rsplit_once(':').filter(|(host, port)| {
        let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        is_port && (!host.contains(':') || host.parse::<IpAddr>().is_ok())
    });
    match port {
        Some((host, port)) => {
            parsed.put_text("client.address", host);
            parsed.put_int("client.port", port);
        }
        None => parsed.put_text("client.address", text),
    }
}

/// Whether a line is shaped like this: a bracket with an English date, then one with a level.
pub(crate) fn looks_like(line: &str) -> bool {
    let Some((date, rest)) = line.strip_prefix('[').and_then(|rest| rest.split_once("] [")) else {
        return false;
    };
    let Some((level, _)) = rest.split_once(']') else { return false };
    let (module, word) = level.split_once(':').unwrap_or(("", level));
    let apaches =
        date.get(..3).is_some_and(|day| day.bytes().all(|byte| byte.is_ascii_alphabetic()))
            || level.contains(':');
    apaches
        && module.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && severity::from_word(word).is_some()
        && time::prefix(date).is_some_and(|(_, length)| length == date.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    fn shown(line: &str) -> String {
        let parsed = parse(line, &Options::new(Timestamp::EPOCH)).unwrap();
        let at = parsed.at.map_or("-".to_owned(), |at| at.to_string());
        let severity = parsed.severity.unwrap_or_default();
        format!(
            "{at} {severity} {} {:?} {}",
            parsed.severity_text,
            parsed.body.to_string(),
            Value::Map(parsed.attributes)
        )
    }

    #[test]
    fn lines_of_old_and_new_servers() {
        assert!(looks_like("[Wed Oct 11 14:32:52 2000] [error] [client 127.0.0.1] client denied"));
        assert_eq!(
            shown(
                "[Wed Oct 11 14:32:52 2000] [error] [client 127.0.0.1] client denied, referer: http://x/"
            ),
            r#"2000-10-11T14:32:52Z 17 error "client denied" {"client.address":"127.0.0.1","http.request.header.referer":["http://x/"]}"#
        );
        assert_eq!(
            shown(
                "[Thu May 12 08:28:57.652118 2011] [core:trace1] [pid 8777:tid 4326490] (111)Refused: [client ::1:58619] AH01: x"
            ),
            r#"2011-05-12T08:28:57.652118Z 1 trace1 "(111)Refused: AH01: x" {"apache.module":"core","process.pid":8777,"thread.id":4326490,"client.address":"::1","client.port":58619}"#
        );
        assert_eq!(shown("[-] - - - -"), r#"- 0  "" {}"#);
    }

    #[test]
    fn addresses_and_ports() {
        let check = |text: &str, expected: &str| {
            let mut parsed = Parsed::new(Value::Empty);
            client(&mut parsed, text);
            assert_eq!(Value::Map(parsed.attributes).to_string(), expected);
        };
        check("::1", r#"{"client.address":"::1"}"#);
        check("2001:db8::5", r#"{"client.address":"2001:db8::5"}"#);
        check("1.2.3.4:80", r#"{"client.address":"1.2.3.4","client.port":80}"#);
        check("host", r#"{"client.address":"host"}"#);
    }

    #[test]
    fn faults_have_their_column() {
        let fault = |line: &str| {
            let error = parse(line, &Options::new(Timestamp::EPOCH)).unwrap_err();
            (error.what, error.column)
        };
        assert_eq!(fault("no"), ("expected an opening bracket", 1));
        assert_eq!(fault("[x"), ("expected a closing bracket", 2));
        assert_eq!(fault("[x] [core:error] y"), ("expected a time in brackets", 1));
        assert_eq!(
            fault("[2021-06-04 15:40:27] [core:odd] y"),
            ("expected a level in brackets", 23)
        );
        assert_eq!(fault("[2021-06-04 15:40:27]x"), ("expected a space", 22));
    }
}
