//! BSD syslog (RFC 3164), which describes what was seen rather than what must be: time, host, tag and process may all be missing.

use model::Value;

use super::put_process;
use crate::{Options, ParseError, Parsed, scan::Scan, severity::from_word, time};

/// Section 4.1.3 allows 32; daemons have longer names now.
const TAG_BYTES_MAX: usize = 128;

/// What is after the priority. Without one (`has_priority`) a line has a time at least.
pub(super) fn parse(
    scan: &mut Scan<'_>,
    parsed: &mut Parsed,
    has_priority: bool,
    options: &Options,
) -> Result<(), ParseError> {
    let at = time::prefix(scan.rest())
        .and_then(|(stamp, length)| Some((stamp.resolve(options)?, length)));
    if let Some((at, length)) = at {
        parsed.at = Some(at);
        scan.take(length);
        scan.eat(":");
        scan.blanks();
    } else if !has_priority {
        return Err(scan.fail("expected a priority or a time"));
    }
    if !tag(scan, parsed) && at.is_some() {
        let mut ahead = scan.clone();
        let host = ahead.token();
        if ahead.blanks() {
            parsed.put_text("host.name", host);
            *scan = ahead;
            tag(scan, parsed);
        }
    }
    parsed.body = Value::string(scan.rest().trim_start_matches('\u{feff}'));
    Ok(())
}

/// `name[process]: `, or `name [` when the message begins with a bracket. Whether there was one.
fn tag(scan: &mut Scan<'_>, parsed: &mut Parsed) -> bool {
    let mut ahead = scan.clone();
    let token = ahead.token();
    let named = token.strip_suffix(':');
    let bracket = named.is_none() && ahead.rest().starts_with(" [");
    let tag = named.unwrap_or(if bracket { token } else { "" });
    let (name, process) = match tag.split_once('[') {
        Some((name, rest)) => (name, rest.strip_suffix(']').unwrap_or(rest)),
        None => (tag, ""),
    };
    // A host is not a tag, though an address of version 6 may end with a colon.
    if name.is_empty() || name.len() > TAG_BYTES_MAX || name.contains(':') {
        return false;
    }
    ahead.blanks();
    *scan = ahead;
    parsed.put_text("service.name", name);
    if !process.is_empty() {
        put_process(parsed, process);
    }
    true
}

/// Whether a line is shaped like this: a month, a day and a time, then a tag somewhere near; or an ISO time, a host and a tag with a process.
pub(super) fn looks_like(line: &str) -> bool {
    let bytes = line.as_bytes();
    let english = bytes.first().is_some_and(u8::is_ascii_uppercase);
    if !english && bytes.get(10) != Some(&b'T') {
        return false;
    }
    let rest = time::prefix(line).and_then(|(_, length)| line.get(length..)).unwrap_or_default();
    let mut words = rest.split(' ').skip(1).take(2);
    if !english {
        return words.nth(1).is_some_and(|word| word.ends_with("]:"));
    }
    // A level is no tag, though a colon may follow it.
    let tag = |word: &str| {
        word.strip_suffix(':').is_some_and(|tag| !tag.is_empty() && from_word(tag).is_none())
    };
    words.any(tag)
}

#[cfg(test)]
mod tests {
    use super::super::tests::shown;
    use super::*;

    #[test]
    fn the_examples_of_rfc_3164_and_others() {
        assert_eq!(
            shown("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8"),
            r#"2026-10-11T22:14:15Z 18 "'su root' failed for lonvick on /dev/pts/8" {"syslog.facility":"auth","host.name":"mymachine","service.name":"su"}"#
        );
        assert_eq!(
            shown("<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!"),
            r#"2026-02-05T17:32:18Z 10 "Use the BFG!" {"syslog.facility":"user","host.name":"10.0.0.99"}"#
        );
        assert_eq!(
            shown("Jun 13 16:33:35 web postfix/smtpd[73411]: connect"),
            r#"2026-06-13T16:33:35Z 0 "connect" {"host.name":"web","service.name":"postfix/smtpd","process.pid":73411}"#
        );
        assert_eq!(
            shown("<30>2021-06-04T15:40:27.138+02:00 web kernel: [1.5] up"),
            r#"2021-06-04T13:40:27.138Z 9 "[1.5] up" {"syslog.facility":"daemon","host.name":"web","service.name":"kernel"}"#
        );
        assert_eq!(shown("<30>free text"), r#"- 9 "free text" {"syslog.facility":"daemon"}"#);
        assert_eq!(
            shown("<30>app: free text"),
            r#"- 9 "free text" {"syslog.facility":"daemon","service.name":"app"}"#
        );
    }

    #[test]
    fn shapes() {
        assert!(looks_like("Jun 13 16:33:35 haproxy[73411]: I am missing a pri."));
        assert!(looks_like("Jun  3 16:33:35 web sshd[1]: x"));
        assert!(looks_like("2024-05-06T07:08:09.123456+00:00 web sshd[123]: x"));
        assert!(!looks_like("Jun 13 16:33:35 something happened"));
        assert!(!looks_like("Jun 13 16:33:35 WARN: something"));
        assert!(!looks_like("2024-05-06T07:08:09Z web sshd: x"));
        assert!(!looks_like("2021-06-13 16:33:35 web: x"));
    }
}
