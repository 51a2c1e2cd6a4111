//! NGINX' error log: `2006/01/02 15:04:05 [level] pid#tid: *connection message, client: …, server: …, request: "…", upstream: "…", host: "…"`.
//!
//! Source: nginx.org/en/docs/ngx_core_module.html#error_log, and `ngx_http_log_error_handler` for the list at the end.

use model::Value;

use crate::{
    Format, Options, ParseError, Parsed, access::put_request, apache_error::client,
    json::number_value, scan::Scan, time,
};

pub(crate) fn parse(line: &str, options: &Options) -> Result<Parsed, ParseError> {
    let mut scan = Scan::new(Format::NginxError, line);
    let mut parsed = Parsed::new(Value::Empty);
    let (stamp, length) = time::prefix(line).ok_or_else(|| scan.fail("expected a time"))?;
    parsed.at = Some(stamp.resolve(options).ok_or_else(|| scan.fail("expected a time"))?);
    scan.take(length);
    scan.blanks();
    scan.expect("[", "expected a level in brackets")?;
    let level = scan.until(b']').ok_or_else(|| scan.fail("expected a closing bracket"))?;
    parsed.level(level);
    scan.blanks();
    number(&mut scan, &mut parsed, "process.pid", "expected a process id")?;
    scan.expect("#", "expected `#` after the process id")?;
    number(&mut scan, &mut parsed, "thread.id", "expected a thread id")?;
    scan.expect(":", "expected a colon after the thread id")?;
    scan.blanks();
    if scan.eat("*") {
        number(&mut scan, &mut parsed, "nginx.connection.id", "expected a connection's number")?;
        scan.blanks();
    }
    let list = scan.rest().find(", client: ").or_else(|| scan.rest().find(", server: "));
    let message = scan.take(list.unwrap_or(scan.rest().len()));
    let message = limited(&mut parsed, message);
    parsed.body = Value::string(message);
    details(&mut parsed, &mut scan);
    Ok(parsed)
}

fn number(
    scan: &mut Scan<'_>,
    parsed: &mut Parsed,
    key: &str,
    what: &'static str,
) -> Result<(), ParseError> {
    let digits = scan.digits();
    if digits.is_empty() {
        return Err(scan.fail(what));
    }
    parsed.put_int(key, digits);
    Ok(())
}

/// `limiting requests, excess: 50.416 by zone "x"`: the message without its figures.
fn limited<'a>(parsed: &mut Parsed, message: &'a str) -> &'a str {
    let Some((before, figures)) = message.split_once(", excess: ") else { return message };
    let Some((excess, zone)) = figures.split_once("by zone \"") else { return message };
    let excess = excess.trim_matches([' ', ',']);
    let Some((zone, "")) = zone.split_once('"') else { return message };
    parsed.put("nginx.limit.excess", number_value(excess, false));
    parsed.put_text("nginx.limit.zone", zone);
    before
}

/// `, key: value` to the end; a value in quotes ends with a quote that a comma or the end follows.
fn details(parsed: &mut Parsed, scan: &mut Scan<'_>) {
    let mut seen = 0;
    while scan.eat(", ") {
        let Some(key) = scan.until(b':') else { return };
        scan.eat(" ");
        let value = if scan.eat("\"") {
            let ends =
                scan.rest().find("\", ").or_else(|| scan.rest().strip_suffix('"').map(str::len));
            let value = scan.take(ends.unwrap_or(scan.rest().len()));
            scan.eat("\"");
            value
        } else {
            scan.take(scan.rest().find(", ").unwrap_or(scan.rest().len()))
        };
        let known = ["client", "server", "request", "subrequest", "upstream", "host", "referrer"];
        // Each detail comes once; what a client writes into its request could feign another.
        let Some(place) = known.iter().position(|name| *name == key) else { continue };
        if seen & (1 << place) == 0 {
            seen |= 1 << place;
            detail(parsed, key, value);
        }
    }
}

fn detail(parsed: &mut Parsed, key: &str, value: &str) {
    match key {
        "client" => client(parsed, value),
        "server" => parsed.put_text("nginx.server", value),
        "request" => {
            put_request(parsed, value);
            parsed.put_text("nginx.request", value);
        }
        "subrequest" => parsed.put_text("nginx.subrequest", value),
        "upstream" => parsed.put_text("nginx.upstream.address", value),
        "host" => parsed.put_header("http.request.header.host", value),
        _ => parsed.put_header("http.request.header.referer", value),
    }
}

/// Whether a line is shaped like this: a date with slashes, and a level in brackets before a number.
pub(crate) fn looks_like(line: &str) -> bool {
    let bytes = line.as_bytes();
    matches!(bytes.get(..5), Some([_, _, _, _, b'/']))
        && bytes.get(19..21) == Some(b" [")
        && time::prefix(line).is_some()
        && bytes.iter().skip(21).take(16).any(|byte| *byte == b'#')
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    #[test]
    fn a_line_and_its_details() {
        let line = r#"2021/06/03 09:30:50 [crit] 32#7: *6 open() "/x" failed, client: 10.0.0.1:80, server: , request: "GET /a", host: "h" HTTP/1.1", subrequest: "/s", host: "h:1", referrer: "http://r/""#;
        let parsed = parse(line, &Options::new(Timestamp::EPOCH)).unwrap();
        assert!(looks_like(line));
        assert_eq!((parsed.severity, parsed.severity_text.as_ref()), (Some(18), "crit"));
        assert_eq!(parsed.body, Value::string("open() \"/x\" failed"));
        assert_eq!(
            Value::Map(parsed.attributes).to_string(),
            r#"{"process.pid":32,"thread.id":7,"nginx.connection.id":6,"client.address":"10.0.0.1","client.port":80,"nginx.server":"","http.request.method":"GET","url.original":"/a","url.path":"/a","nginx.request":"GET /a","http.request.header.host":["h\" HTTP/1.1"],"nginx.subrequest":"/s","http.request.header.referer":["http://r/"]}"#
        );
    }

    #[test]
    fn faults_have_their_column() {
        let fault = |line: &str| {
            let error = parse(line, &Options::new(Timestamp::EPOCH)).unwrap_err();
            (error.what, error.column)
        };
        assert_eq!(fault("no"), ("expected a time", 1));
        assert_eq!(fault("2021/06/03 09:30:50 x"), ("expected a level in brackets", 21));
        assert_eq!(fault("2021/06/03 09:30:50 [x] y"), ("expected a process id", 25));
        assert_eq!(
            fault("2021/06/03 09:30:50 [x] 1#2"),
            ("expected a colon after the thread id", 28)
        );
    }
}
