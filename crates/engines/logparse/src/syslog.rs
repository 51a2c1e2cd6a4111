//! Syslog: RFC 5424, and RFC 3164 with what devices make of it.
//!
//! Fields have the names of appendix A of OpenTelemetry's log data model (`syslog.facility`, `syslog.msgid`, …); structured data is one map,
//! `syslog.structured_data`, of a map for each element.

mod bsd;
mod structured;

use model::Value;

use crate::{Format, Options, ParseError, Parsed, scan::Scan, severity::SYSLOG, time};

/// Facilities by their code (RFC 5424, table 1), as `syslog.h` and rsyslog name them.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clockd", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

pub(crate) fn parse(line: &str, options: &Options) -> Result<Parsed, ParseError> {
    let mut scan = Scan::new(Format::Syslog, line);
    let mut parsed = Parsed::new(Value::Empty);
    octet_count(&mut scan);
    let known = priority(&mut scan, &mut parsed)?;
    match version(&mut scan) {
        Some(version) if known => {
            parsed.put_int("syslog.version", version);
            rfc5424(&mut scan, &mut parsed, options)?;
        }
        _ => bsd::parse(&mut scan, &mut parsed, known, options)?,
    }
    Ok(parsed)
}

/// RFC 6587 frames a message by its length before it.
fn octet_count(scan: &mut Scan<'_>) {
    let mut ahead = scan.clone();
    if !ahead.digits().is_empty() && ahead.eat(" ") && ahead.peek() == Some(b'<') {
        *scan = ahead;
    }
}

/// `<PRI>`: facility times eight plus severity. Whether there is one.
fn priority(scan: &mut Scan<'_>, parsed: &mut Parsed) -> Result<bool, ParseError> {
    if !scan.eat("<") {
        return Ok(false);
    }
    let start = scan.clone();
    let number: usize = scan.digits().parse().map_err(|_| start.fail("expected a priority"))?;
    let facility =
        FACILITIES.get(number / 8).ok_or_else(|| start.fail("expected a priority below 192"))?;
    scan.expect(">", "expected `>` after the priority")?;
    let (word, severity) = SYSLOG[number % 8];
    parsed.severity = Some(severity);
    parsed.severity_text = word.into();
    parsed.put_text("syslog.facility", facility);
    Ok(true)
}

/// The version of RFC 5424 and the space after it, when a time or its absence follows.
fn version<'a>(scan: &mut Scan<'a>) -> Option<&'a str> {
    let mut ahead = scan.clone();
    let version = ahead.digits();
    let is_version = matches!(version.len(), 1..=2)
        && ahead.eat(" ")
        && (ahead.rest().starts_with("- ") || is_date(ahead.rest().as_bytes()));
    if !is_version {
        return None;
    }
    *scan = ahead;
    Some(version)
}

fn is_date(bytes: &[u8]) -> bool {
    matches!(bytes, [a, b, c, d, b'-', ..] if [a, b, c, d].into_iter().all(u8::is_ascii_digit))
}

/// Section 6: what is after the version.
fn rfc5424(scan: &mut Scan<'_>, parsed: &mut Parsed, options: &Options) -> Result<(), ParseError> {
    let start = scan.clone();
    if let Some(text) = header(scan)? {
        parsed.at = Some(time::whole(text, options).ok_or_else(|| start.fail("expected a time"))?);
    }
    if let Some(host) = header(scan)? {
        parsed.put_text("host.name", host);
    }
    if let Some(app) = header(scan)? {
        parsed.put_text("service.name", app);
    }
    if let Some(process) = header(scan)? {
        put_process(parsed, process);
    }
    if let Some(id) = header(scan)? {
        parsed.put_text("syslog.msgid", id);
    }
    // Some leave the structured data out, so what is none is the message.
    let absent = scan.eat("-") && (scan.is_empty() || scan.eat(" "));
    if !absent && let Some(elements) = structured::elements(scan) {
        parsed.put("syslog.structured_data", Value::Map(elements));
        scan.eat(" ");
    }
    // A message in UTF-8 may begin with a byte order mark (section 6.4).
    let message = scan.rest().trim_start_matches('\u{feff}');
    parsed.body = Value::string(message);
    Ok(())
}

/// A field of the header and the space after it; `None` for `-`.
fn header<'a>(scan: &mut Scan<'a>) -> Result<Option<&'a str>, ParseError> {
    let text = scan.token();
    if text.is_empty() {
        return Err(scan.fail("expected another field"));
    }
    scan.eat(" ");
    Ok((text != "-").then_some(text))
}

/// A process has a number; what is none is kept as syslog has it.
fn put_process(parsed: &mut Parsed, text: &str) {
    match text.parse() {
        Ok(number) => parsed.put("process.pid", Value::Int(number)),
        Err(_) => parsed.put_text("syslog.procid", text),
    }
}

/// Whether a line is shaped like this: a priority, or a month and what follows it.
pub(crate) fn looks_like(line: &str) -> bool {
    match line.strip_prefix('<') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            matches!(digits, 1..=3) && rest.as_bytes().get(digits) == Some(&b'>')
        }
        None => bsd::looks_like(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn shown(line: &str) -> String {
        let options = Options::new("2026-11-26T00:00:00Z".parse().unwrap());
        let parsed = parse(line, &options).unwrap();
        let at = parsed.at.map_or("-".to_owned(), |at| at.to_string());
        let severity = parsed.severity.unwrap_or_default();
        format!("{at} {severity} {:?} {}", parsed.body.to_string(), Value::Map(parsed.attributes))
    }

    #[test]
    fn the_examples_of_rfc_5424() {
        assert_eq!(
            shown(
                "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed for lonvick on /dev/pts/8"
            ),
            r#"2003-10-11T22:14:15.003Z 18 "'su root' failed for lonvick on /dev/pts/8" {"syslog.facility":"auth","syslog.version":1,"host.name":"mymachine.example.com","service.name":"su","syslog.msgid":"ID47"}"#
        );
        assert_eq!(
            shown(
                "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts."
            ),
            r#"2003-08-24T12:14:15.000003Z 10 "%% It's time to make the do-nuts." {"syslog.facility":"local4","syslog.version":1,"host.name":"192.0.2.1","service.name":"myproc","process.pid":8710}"#
        );
        assert_eq!(
            shown(
                r#"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]"#
            ),
            r#"2003-10-11T22:14:15.003Z 10 "" {"syslog.facility":"local4","syslog.version":1,"host.name":"mymachine.example.com","service.name":"evntslog","syslog.msgid":"ID47","syslog.structured_data":{"exampleSDID@32473":{"iut":"3","eventSource":"Application","eventID":"1011"},"examplePriority@32473":{"class":"high"}}}"#
        );
        assert_eq!(
            shown("<0>1 - - - - - -"),
            r#"- 21 "" {"syslog.facility":"kern","syslog.version":1}"#
        );
    }

    #[test]
    fn what_is_no_structured_data_is_the_message() {
        assert_eq!(
            shown("<13>1 2019-02-13T19:48:34Z h app x - [not data at all"),
            r#"2019-02-13T19:48:34Z 10 "[not data at all" {"syslog.facility":"user","syslog.version":1,"host.name":"h","service.name":"app","syslog.procid":"x"}"#
        );
        assert_eq!(
            shown("78 <13>1 2019-02-13T19:48:34Z h app 1 - hello"),
            r#"2019-02-13T19:48:34Z 10 "hello" {"syslog.facility":"user","syslog.version":1,"host.name":"h","service.name":"app","process.pid":1}"#
        );
    }

    #[test]
    fn faults_have_their_column() {
        let fault = |line: &str| {
            let error = parse(line, &Options::new(model::Timestamp::EPOCH)).unwrap_err();
            (error.what, error.column)
        };
        assert_eq!(fault("not much of a syslog message"), ("expected a priority or a time", 1));
        assert_eq!(fault("<x>1 - "), ("expected a priority", 2));
        assert_eq!(fault("<192>1 - "), ("expected a priority below 192", 2));
        assert_eq!(fault("<19"), ("expected `>` after the priority", 4));
        assert_eq!(fault("<19>1 2003-13-11T22:14:15Z h"), ("expected a time", 7));
        assert_eq!(fault("<19>1 - h a "), ("expected another field", 13));
    }
}
