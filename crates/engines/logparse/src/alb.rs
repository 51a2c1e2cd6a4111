//! Access logs of AWS application load balancers.
//!
//! Source: docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html.

use model::{TraceId, Value};

use crate::{
    Format, Options, ParseError, Parsed,
    access::put_request,
    apache_error::client,
    json::number_value,
    scan::{Scan, find_unescaped},
    time,
};

/// What a field is, and so how it is kept.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Integer,
    Decimal,
    Time,
    Client,
    Request,
    /// `TLSv1.2`
    Tls,
    /// AWS X-Ray's `Root=1-…`
    Trace,
}

/// The fields in their order. The last ones were added over the years: a line may end before them.
const FIELDS: [(&str, Kind); 30] = [
    ("aws.elb.type", Kind::Text),
    ("time", Kind::Time),
    ("aws.elb.name", Kind::Text),
    ("client", Kind::Client),
    ("aws.elb.target.address", Kind::Text),
    ("aws.elb.request_processing_time", Kind::Decimal),
    ("aws.elb.target_processing_time", Kind::Decimal),
    ("aws.elb.response_processing_time", Kind::Decimal),
    ("http.response.status_code", Kind::Integer),
    ("aws.elb.target.status_code", Kind::Integer),
    ("http.request.size", Kind::Integer),
    ("http.response.size", Kind::Integer),
    ("request", Kind::Request),
    ("user_agent.original", Kind::Text),
    ("tls.cipher", Kind::Text),
    ("tls.protocol.version", Kind::Tls),
    ("aws.elb.target_group_arn", Kind::Text),
    ("aws.elb.trace_id", Kind::Trace),
    ("tls.client.server_name", Kind::Text),
    ("aws.elb.chosen_cert_arn", Kind::Text),
    ("aws.elb.matched_rule_priority", Kind::Integer),
    ("aws.elb.request_creation_time", Kind::Text),
    ("aws.elb.actions_executed", Kind::Text),
    ("aws.elb.redirect_url", Kind::Text),
    ("aws.elb.error_reason", Kind::Text),
    ("aws.elb.target_port_list", Kind::Text),
    ("aws.elb.target_status_code_list", Kind::Text),
    ("aws.elb.classification", Kind::Text),
    ("aws.elb.classification_reason", Kind::Text),
    ("aws.elb.connection_trace_id", Kind::Text),
];

/// The fields that every line has: to the time of the request's creation.
const REQUIRED: usize = 22;

pub(crate) fn parse(line: &str, options: &Options) -> Result<Parsed, ParseError> {
    let mut scan = Scan::new(Format::Alb, line);
    let mut parsed = Parsed::new(Value::Empty);
    for (place, (key, kind)) in FIELDS.iter().enumerate() {
        if scan.is_empty() && place >= REQUIRED {
            break;
        }
        let start = scan.clone();
        let text = field(&mut scan)?;
        if text != "-" {
            put(&mut parsed, key, *kind, text, options)
                .ok_or_else(|| start.fail(expected(*kind)))?;
        }
        scan.blanks();
    }
    if !scan.is_empty() {
        parsed.put_text("access.rest", scan.rest());
    }
    Ok(parsed)
}

fn field<'a>(scan: &mut Scan<'a>) -> Result<&'a str, ParseError> {
    if scan.is_empty() {
        return Err(scan.fail("expected another field"));
    }
    if !scan.eat("\"") {
        return Ok(scan.token());
    }
    let end =
        find_unescaped(scan.rest(), b'"').ok_or_else(|| scan.fail("expected a closing quote"))?;
    let text = scan.take(end);
    scan.take(1);
    Ok(text)
}

const fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "expected an integer",
        Kind::Decimal => "expected a number of seconds",
        Kind::Time => "expected a time",
        Kind::Text | Kind::Client | Kind::Request | Kind::Tls | Kind::Trace => "expected a text",
    }
}

fn put(parsed: &mut Parsed, key: &str, kind: Kind, text: &str, options: &Options) -> Option<()> {
    match kind {
        Kind::Text => parsed.put_text(key, text),
        Kind::Integer => parsed.put(key, Value::Int(text.parse().ok()?)),
        Kind::Decimal => {
            text.parse::<f64>().ok()?;
            parsed.put(key, number_value(text, false));
        }
        Kind::Time => parsed.at = Some(time::whole(text, options)?),
        Kind::Client => client(parsed, text),
        Kind::Request => {
            parsed.body = Value::string(text);
            // A request that could not be read is `- http://host:80- -`: there is a URL all the same.
            match text.strip_prefix("- ").and_then(|rest| rest.strip_suffix(" -")) {
                Some(url) => parsed.put_text("url.original", url),
                None => put_request(parsed, text),
            }
        }
        Kind::Tls => {
            parsed.put_text("tls.protocol.name", "tls");
            parsed.put_text(key, text.strip_prefix("TLSv").unwrap_or(text));
        }
        Kind::Trace => {
            parsed.trace_id = xray(text);
            parsed.put_text(key, text);
        }
    }
    Some(())
}

/// X-Ray's trace id is a W3C one with dashes: `1-` 8 hex digits of time `-` 24 hex digits.
fn xray(text: &str) -> Option<TraceId> {
    let root = text.split(';').find_map(|part| part.strip_prefix("Root=1-"))?;
    let (seconds, rest) = root.split_once('-')?;
    (seconds.len() == 8).then(|| [seconds, rest].concat().parse().ok())?
}

/// Whether a line is shaped like this: a protocol, a time and a load balancer.
pub(crate) fn looks_like(line: &str) -> bool {
    let mut words = line.splitn(4, ' ');
    let protocol = words
        .next()
        .is_some_and(|word| matches!(word, "http" | "https" | "h2" | "grpcs" | "ws" | "wss"));
    protocol
        && words.next().is_some_and(|word| time::prefix(word).is_some())
        && words.next().is_some_and(|word| word.starts_with("app/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    const LINE: &str = r#"https 2018-07-02T22:23:00.186641Z app/lb/50dc 192.168.131.39:2817 10.0.0.1:80 0.086 -1 0.037 200 - 0 57 "GET https://www.example.com:443/a?b HTTP/1.1" "curl/7.46.0" ECDHE TLSv1.2 arn:aws "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:cert" 1 2018-07-02T22:22:48.364000Z "forward""#;

    #[test]
    fn a_line_keeps_every_field() {
        assert!(looks_like(LINE));
        let parsed = parse(LINE, &Options::new(Timestamp::EPOCH)).unwrap();
        assert_eq!(parsed.at.unwrap().to_string(), "2018-07-02T22:23:00.186641Z");
        assert_eq!(parsed.trace_id.unwrap().to_string(), "583372811d84f3d73c47ec4e58577259");
        assert_eq!(parsed.body, Value::string("GET https://www.example.com:443/a?b HTTP/1.1"));
        assert_eq!(
            Value::Map(parsed.attributes).to_string(),
            r#"{"aws.elb.type":"https","aws.elb.name":"app/lb/50dc","client.address":"192.168.131.39","client.port":2817,"aws.elb.target.address":"10.0.0.1:80","aws.elb.request_processing_time":0.086,"aws.elb.target_processing_time":-1,"aws.elb.response_processing_time":0.037,"http.response.status_code":200,"http.request.size":0,"http.response.size":57,"http.request.method":"GET","url.original":"https://www.example.com:443/a?b","url.path":"/a","url.query":"b","network.protocol.version":"1.1","user_agent.original":"curl/7.46.0","tls.cipher":"ECDHE","tls.protocol.name":"tls","tls.protocol.version":"1.2","aws.elb.target_group_arn":"arn:aws","aws.elb.trace_id":"Root=1-58337281-1d84f3d73c47ec4e58577259","tls.client.server_name":"www.example.com","aws.elb.chosen_cert_arn":"arn:cert","aws.elb.matched_rule_priority":1,"aws.elb.request_creation_time":"2018-07-02T22:22:48.364000Z","aws.elb.actions_executed":"forward"}"#
        );
    }

    #[test]
    fn faults_have_their_column() {
        let fault = |line: &str| {
            let error = parse(line, &Options::new(Timestamp::EPOCH)).unwrap_err();
            (error.what, error.column)
        };
        assert_eq!(fault("http x"), ("expected a time", 6));
        assert_eq!(fault("http"), ("expected another field", 5));
        let column = LINE.find("200 ").unwrap() + 1;
        assert_eq!(fault(&LINE.replace(" 200 ", " OK ")), ("expected an integer", column));
    }
}
