//! Which format a line has, by its shape alone: the same line always gives the same answer, and little of it is looked at.

use crate::{Format, access, alb, apache_error, cri, klog, logfmt, nginx_error, syslog};

/// The format of a line; [`Format::Plain`] when it has the shape of no other.
///
/// A shape is a promise that its parser may find broken; then it says where.
pub fn detect(line: &str) -> Format {
    let line = line.trim_ascii_start();
    match line.as_bytes().first() {
        None => Format::Plain,
        Some(b'{') => Format::Json,
        Some(b'<') if syslog::looks_like(line) => Format::Syslog,
        Some(b'[') if apache_error::looks_like(line) => Format::ApacheError,
        Some(b'0'..=b'9') if cri::looks_like(line) => Format::Cri,
        Some(b'0'..=b'9') if nginx_error::looks_like(line) => Format::NginxError,
        Some(b'0'..=b'9') if syslog::looks_like(line) => Format::Syslog,
        Some(b'A'..=b'Z') if klog::looks_like(line) => Format::Klog,
        Some(b'A'..=b'Z') if syslog::looks_like(line) => Format::Syslog,
        Some(b'g' | b'h' | b'w') if alb::looks_like(line) => Format::Alb,
        _ if access::looks_like(line) => Format::Access,
        _ if logfmt::looks_like(line) => Format::Logfmt,
        _ => Format::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_known() {
        let lines = [
            (Format::Json, r#"  {"a":1}"#),
            (Format::Json, "{broken"),
            (Format::Syslog, "<13>1 2020-03-13T20:45:38.119Z h a 1 - - x"),
            (Format::Syslog, "<133>Jun 13 16:33:35 haproxy[73411]: x"),
            (Format::Syslog, "Jun 13 16:33:35 haproxy[73411]: x"),
            (
                Format::ApacheError,
                "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 1:tid 2] [client 72.15.99.187:5] x",
            ),
            (Format::Syslog, "2024-05-06T07:08:09.123456+00:00 web sshd[123]: x"),
            (Format::ApacheError, "[01/Mar/2021:12:00:19 +0000] [ab:alert] [pid 4803:tid 3814] x"),
            (Format::Cri, "2016-10-06T00:17:09.669794202Z stdout F x"),
            (Format::NginxError, "2021/04/01 13:02:31 [error] 31#31: *1 x"),
            (Format::Klog, "I0505 17:59:40.692994   28133 klog.go:70] x"),
            (Format::Klog, "W20210131 14:48:54.411655 15520 main.c++:9] x"),
            (Format::Alb, "h2 2018-07-02T22:23:00.186641Z app/lb/50 1.2.3.4:5 - 0 0 0 200 - 0 0 x"),
            (Format::Access, r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#),
            (
                Format::Access,
                r#"10.0.0.2, 10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#,
            ),
            (
                Format::Access,
                r#"host.example - Jane Doe [17/May/2015:10:05:03 +0000] "" 400 0 "-" "-""#,
            ),
            (Format::Logfmt, "level=info msg=\"a b\""),
            (Format::Logfmt, "ts=2024-01-01T00:00:00Z caller=main.go:5"),
            (Format::Logfmt, "only=one"),
            (Format::Plain, ""),
            (Format::Plain, "[2016-12-19 16:31:47,999] TRACE Controller 0 (x)"),
            (Format::Plain, "2021/04/01 13:02:31 listening on [::]:80 #1"),
            (Format::Plain, "x=1 is what it said"),
            (Format::Plain, "Jun 13 16:33:35 something happened"),
            (Format::Plain, "Invalid input: a=b"),
            (Format::Plain, "<html> a"),
            (Format::Plain, "\tat kafka.utils.X"),
        ];
        for (format, line) in lines {
            assert_eq!(detect(line), format, "{line}");
        }
    }
}
