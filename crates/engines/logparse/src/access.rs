//! Access logs of Apache and NGINX, and of all that write as they do.
//!
//! One reader for the formats that differ only at their ends: common (`%h %l %u %t "%r" %>s %b`), combined (and referer and user agent), Apache's
//! `vhost_combined`, NGINX' packaged `main` (and `"$http_x_forwarded_for"`) or one with `"$gzip_ratio"`, ingress-nginx' `upstreaminfo`, and the
//! custom ones that put a list of proxies first. `-` stands for what is absent.
//!
//! Sources: httpd.apache.org/docs/current/logs.html, nginx.org/en/docs/http/ngx_http_log_module.html,
//! kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format.

mod client;
mod request;
mod tail;

use memchr::{memchr, memchr_iter};
use model::{Timestamp, Value};

use crate::{Format, Options, ParseError, Parsed, scan::Scan, time};

use client::Client;
pub(crate) use request::put_request;
use tail::put_tail;

/// A line of an access log, as it is written: nothing is copied, and escapes (`\"`, `\x16`) are as the server made them.
#[derive(Clone, Debug, PartialEq)]
pub struct Access<'a> {
    /// What is before the time: addresses, identity and user.
    client: Client<'a>,
    /// When the request ended or began, as the server's configuration has it.
    pub at: Option<Timestamp>,
    /// The request line; `None` for `-`.
    pub request: Option<&'a str>,
    pub status: Option<&'a str>,
    /// Bytes of the response's body.
    pub size: Option<&'a str>,
    pub referer: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    /// What the format has after the user agent; empty when nothing.
    pub rest: &'a str,
}

impl<'a> Access<'a> {
    /// Reads a line.
    ///
    /// # Errors
    /// When it is not a line of an access log.
    pub fn scan(line: &'a str, options: &Options) -> Result<Self, ParseError> {
        let mut scan = Scan::new(Format::Access, line);
        let client = client(&mut scan)?;
        let at = bracketed_time(&mut scan, options)?;
        space(&mut scan)?;
        let request = request(&mut scan)?;
        space(&mut scan)?;
        let status = number(&mut scan, "expected a status")?;
        space(&mut scan)?;
        let size = number(&mut scan, "expected the response's size")?;
        let mut access =
            Self { client, at, request, status, size, referer: None, user_agent: None, rest: "" };
        if !scan.blanks() {
            return if scan.is_empty() { Ok(access) } else { Err(scan.fail("expected a space")) };
        }
        // A common line may go on with something else than a referer.
        if matches!(scan.peek(), Some(b'"' | b'-')) {
            let another = |after: &[u8]| matches!(after.first(), None | Some(b'"' | b'-'));
            access.referer = quoted(&mut scan, "expected a referer in quotes", another)?;
            scan.blanks();
            access.user_agent = user_agent(&mut scan)?;
            scan.blanks();
        }
        access.rest = scan.rest();
        Ok(access)
    }

    /// The record. Its body is the request line.
    fn parsed(&self) -> Parsed {
        let mut parsed = Parsed::new(self.request.map_or(Value::Empty, Value::string));
        parsed.attributes.reserve_exact(14);
        parsed.at = self.at;
        self.client.put(&mut parsed);
        if let Some(request) = self.request {
            put_request(&mut parsed, request);
        }
        if let Some(status) = self.status {
            parsed.put_int("http.response.status_code", status);
        }
        if let Some(size) = self.size {
            parsed.put_int("http.response.body.size", size);
        }
        if let Some(referer) = self.referer {
            parsed.put_header("http.request.header.referer", referer);
        }
        if let Some(agent) = self.user_agent {
            parsed.put_text("user_agent.original", agent);
        }
        if !self.rest.is_empty() {
            put_tail(&mut parsed, self.rest);
        }
        parsed
    }
}

pub(crate) fn parse(line: &str, options: &Options) -> Result<Parsed, ParseError> {
    Access::scan(line, options).map(|access| access.parsed())
}

/// `None` for `-`.
fn present(text: &str) -> Option<&str> {
    (text != "-").then_some(text)
}

fn space(scan: &mut Scan<'_>) -> Result<(), ParseError> {
    if scan.blanks() { Ok(()) } else { Err(scan.fail("expected a space")) }
}

/// What is before the time. A user may hold spaces, so the time's bracket is found first; a line without a time has `-` at its place.
fn client<'a>(scan: &mut Scan<'a>) -> Result<Client<'a>, ParseError> {
    let start = scan.clone();
    let bracket = memchr_iter(b'[', scan.rest().as_bytes())
        .find(|at| *at > 0 && scan.rest().as_bytes().get(at - 1) == Some(&b' '));
    let head = match bracket {
        Some(at) => scan.take(at),
        None => scan.take(before_fourth_token(scan.rest())),
    };
    Client::read(head.trim_ascii_end())
        .ok_or_else(|| start.fail("expected a host, an identity and a user before the time"))
}

fn before_fourth_token(line: &str) -> usize {
    memchr_iter(b' ', line.as_bytes()).nth(2).map_or(line.len(), |at| at + 1)
}

fn bracketed_time(scan: &mut Scan<'_>, options: &Options) -> Result<Option<Timestamp>, ParseError> {
    if scan.eat("-") {
        return Ok(None);
    }
    scan.expect("[", "expected a time in brackets")?;
    let start = scan.clone();
    let text = scan.until(b']').ok_or_else(|| start.fail("expected a closing bracket"))?;
    match present(text) {
        Some(text) => {
            time::whole(text, options).map(Some).ok_or_else(|| start.fail("expected a time"))
        }
        None => Ok(None),
    }
}

/// The request in quotes; the quote that closes it has a status after it.
fn request<'a>(scan: &mut Scan<'a>) -> Result<Option<&'a str>, ParseError> {
    let status = |after: &[u8]| match after {
        [b'-', b' ', ..] => true,
        [a, b, c, b' ', ..] => [a, b, c].into_iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let request = quoted(scan, "expected a request in quotes", status)?;
    Ok(request.and_then(|request| present(request.trim_ascii())))
}

/// A field in quotes, or `-`. A server that does not escape quotes lets a client write some: the one that counts is not escaped, and what is
/// after it, without white space, is `followed` by what must follow.
fn quoted<'a>(
    scan: &mut Scan<'a>,
    what: &'static str,
    followed: impl Fn(&[u8]) -> bool,
) -> Result<Option<&'a str>, ParseError> {
    if scan.eat("-") {
        return Ok(None);
    }
    scan.expect("\"", what)?;
    let bytes = scan.rest().as_bytes();
    let closes = |at: &usize| {
        let (before, after) = bytes.split_at(*at);
        let escapes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        let after = after.split_first().map_or(after, |(_, after)| after);
        let spaced = after.first().is_none_or(|byte| matches!(byte, b' ' | b'\t'));
        escapes % 2 == 0 && spaced && followed(after.trim_ascii_start())
    };
    let at = memchr_iter(b'"', bytes)
        .find(closes)
        .ok_or_else(|| scan.fail("expected a closing quote and what follows it"))?;
    let field = scan.take(at);
    scan.take(1);
    Ok(present(field))
}

/// The last field; its quote is missing when a line was cut off.
fn user_agent<'a>(scan: &mut Scan<'a>) -> Result<Option<&'a str>, ParseError> {
    if scan.is_empty() {
        return Ok(None);
    }
    let mut open = scan.clone();
    quoted(scan, "expected a user agent in quotes", |_| true).or_else(|error| {
        if !open.eat("\"") {
            return Err(error);
        }
        *scan = open;
        Ok(present(scan.take(usize::MAX)))
    })
}

fn number<'a>(scan: &mut Scan<'a>, what: &'static str) -> Result<Option<&'a str>, ParseError> {
    if scan.eat("-") {
        return Ok(None);
    }
    let digits = scan.digits();
    if digits.is_empty() { Err(scan.fail(what)) } else { Ok(Some(digits)) }
}

/// Whether a line is shaped like this: a bracket with `dd/Mon/yyyy:` in it, which no other format has.
pub(crate) fn looks_like(line: &str) -> bool {
    /// Addresses, identity and user are shorter.
    const HEAD_MAX: usize = 1024;
    let head = line.as_bytes();
    let head = head.get(..HEAD_MAX).unwrap_or(head);
    let Some(at) = memchr(b'[', head) else { return false };
    at > 0
        && matches!(
            head.get(at..),
            Some([b'[', day1, day2, b'/', _, _, _, b'/', _, _, _, _, b':', ..])
                if day1.is_ascii_digit() && day2.is_ascii_digit()
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let parsed = parse(line, &Options::new(Timestamp::EPOCH)).unwrap();
        let at = parsed.at.map_or("-".to_owned(), |at| at.to_string());
        format!("{at} {:?} {}", parsed.body.to_string(), Value::Map(parsed.attributes))
    }

    #[test]
    fn a_combined_line_has_opentelemetrys_names() {
        assert_eq!(
            shown(
                r#"1.2.3.4 - bob [10/Oct/2000:13:55:36 -0700] "GET /a/b?c=d HTTP/1.0" 200 2326 "http://x/" "curl/8""#
            ),
            "2000-10-10T20:55:36Z \"GET /a/b?c=d HTTP/1.0\" {\"client.address\":\"1.2.3.4\",\"user.name\":\"bob\",\
             \"http.request.method\":\"GET\",\"url.original\":\"/a/b?c=d\",\"url.path\":\"/a/b\",\"url.query\":\"c=d\",\
             \"network.protocol.version\":\"1.0\",\"http.response.status_code\":200,\"http.response.body.size\":2326,\
             \"http.request.header.referer\":[\"http://x/\"],\"user_agent.original\":\"curl/8\"}"
        );
    }

    #[test]
    fn dashes_are_absent_fields() {
        assert_eq!(shown("- - - - - - -"), "- \"\" {}");
        assert_eq!(shown(r#"- - - [-] "-" - -"#), "- \"\" {}");
        assert_eq!(
            shown(r#"::1 - - [-] "-" 408 - - -"#),
            "- \"\" {\"client.address\":\"::1\",\"http.response.status_code\":408}"
        );
    }

    #[test]
    fn quotes_that_a_client_wrote_end_nothing() {
        let line = r#"1.2.3.4 - - [-] "GET /"a" b HTTP/1.1" 404 5 "x" y" "Mozilla \"5\" (z)""#;
        let access = Access::scan(line, &Options::new(Timestamp::EPOCH)).unwrap();
        assert_eq!(access.request, Some(r#"GET /"a" b HTTP/1.1"#));
        assert_eq!(access.referer, Some(r#"x" y"#));
        let line = r#"1.2.3.4 - - [-] "\x16\x03" 400 5 "-" "Mozilla \"5\" (z)""#;
        let access = Access::scan(line, &Options::new(Timestamp::EPOCH)).unwrap();
        assert_eq!(
            (access.request, access.user_agent),
            (Some(r"\x16\x03"), Some(r#"Mozilla \"5\" (z)"#))
        );
    }

    #[test]
    fn faults_have_their_column() {
        let fault = |line: &str| {
            let error = parse(line, &Options::new(Timestamp::EPOCH)).unwrap_err();
            (error.what, error.column)
        };
        assert_eq!(fault("not a common log line"), ("expected a time in brackets", 14));
        assert_eq!(fault("- - - [1234] - - -"), ("expected a time", 8));
        assert_eq!(fault("1.2.3.4 - - [-] GET"), ("expected a request in quotes", 17));
        assert_eq!(
            fault("1.2.3.4 - - [-] \"GET"),
            ("expected a closing quote and what follows it", 18)
        );
        assert_eq!(fault("1.2.3.4 - - [-] \"-\" 200 x"), ("expected the response's size", 25));
        assert_eq!(fault("1.2.3.4 - - [-] \"-\" 200 5x"), ("expected a space", 26));
        assert_eq!(fault(""), ("expected a host, an identity and a user before the time", 1));
    }
}
