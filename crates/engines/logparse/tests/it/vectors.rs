//! The parser vectors of Vector's remap language, our names mapped to theirs.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use logparse::{Format, Options, Parsed, parse};
use model::{Value, value::attribute};
use serde_json::Value as Json;

use crate::{
    corpus::{folder, report, say},
    rust_value::{Datum, Want, argument, want},
};

type Fields = BTreeMap<String, Datum>;

/// Their parser, our format for it, and our record by their names; `format` is the argument with which they tell formats apart.
type Parser = (&'static str, fn(format: &str) -> Format, fn(&Parsed, format: &str) -> Fields);

const PARSERS: [Parser; 7] = [
    (
        "parse_apache_log",
        |format| if format == "error" { Format::ApacheError } else { Format::Access },
        apache,
    ),
    ("parse_common_log", |_| Format::Access, apache),
    (
        "parse_nginx_log",
        |format| if format == "error" { Format::NginxError } else { Format::Access },
        nginx,
    ),
    ("parse_klog", |_| Format::Klog, klog),
    ("parse_glog", |_| Format::Klog, klog),
    ("parse_syslog", |_| Format::Syslog, syslog),
    ("parse_aws_alb_log", |_| Format::Alb, alb),
];

/// A case whose `value` is an expression rather than a text, and what that comes to.
const COMPUTED: (&str, &str) =
    ("log_line_valid_with_local_timestamp_format", "[Tue Oct 10 20:55:36 2000] - - - -");

/// Their `%f` reads 138633 as nanoseconds; it is a fraction of a second.
const FRACTION: (&str, &str) = ("2021-06-04T15:40:27.000138633Z", "2021-06-04T15:40:27.138633Z");

#[test]
fn vrl() {
    let Some(root) = folder("vrl parsers") else { return };
    let text =
        std::fs::read_to_string(root.join("logs-parse-vectors/vrl_parsers-share.json")).unwrap();
    let file: Json = serde_json::from_str(&text).unwrap();
    let (mut ran, mut skipped) = (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, usize>::new());
    let mut failed = Vec::new();
    for case in file["cases"].as_array().unwrap() {
        let file =
            case["file"].as_str().unwrap().rsplit('/').next().unwrap().trim_end_matches(".rs");
        let Some(parser) = PARSERS.iter().find(|parser| parser.0 == file) else {
            *skipped.entry(file).or_default() += 1;
            continue;
        };
        *ran.entry(file).or_default() += 1;
        if let Err(fault) = run(parser, case) {
            failed.push(format!("{file} {}: {fault}", case["case"]));
        }
    }
    for (file, cases) in &ran {
        say(&format!("  {file}: {cases} ran"));
    }
    for (file, cases) in &skipped {
        say(&format!("  {file}: {cases} skipped, it is no format of log lines that we read"));
    }
    report("vrl parsers", ran.values().sum(), skipped.values().sum());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(ran.values().sum::<usize>() >= 43);
}

fn run((_, format, names): &Parser, case: &Json) -> Result<(), String> {
    let name = case["case"].as_str().unwrap();
    let computed = (name == COMPUTED.0).then(|| COMPUTED.1.to_owned());
    let line = computed
        .or_else(|| argument(case["args_raw"].as_str().unwrap(), "value"))
        .ok_or("no value")?;
    let argument = case["args"]["format"].as_str().unwrap_or_default();
    let mut wanted =
        want(case["want_rust"].as_str().unwrap()).ok_or("the expectation was not read")?;
    adjust(&mut wanted);
    let mut options = Options::new("2026-11-26T00:00:00Z".parse().unwrap());
    if name == "log_line_valid_with_timezone" {
        // Their test runs in Europe/Paris.
        options.zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    }
    let got = match parse(format(argument), &line, &options) {
        Ok(parsed) => Want::Fields(names(&parsed, argument)),
        Err(_) => Want::Error,
    };
    if got == wanted {
        Ok(())
    } else {
        Err(format!("{line}\n  wanted {wanted:?}\n  got    {got:?}"))
    }
}

/// Where we mean something else on purpose: one message instead of its two halves, and the fraction.
fn adjust(wanted: &mut Want) {
    let Want::Fields(fields) = wanted else { return };
    if let (Some(Datum::Text(first)), Some(Datum::Text(second))) =
        (fields.remove("message1"), fields.remove("message2"))
    {
        fields.insert("message".to_owned(), Datum::Text(first + &second));
    }
    if fields.get("timestamp") == Some(&Datum::Time(FRACTION.0.to_owned())) {
        fields.insert("timestamp".to_owned(), Datum::Time(FRACTION.1.to_owned()));
    }
}

/// Our record by other names.
struct Renamed<'a> {
    parsed: &'a Parsed,
    fields: Fields,
}

impl<'a> Renamed<'a> {
    fn new(parsed: &'a Parsed) -> Self {
        let mut fields = Fields::new();
        if let Some(at) = parsed.at {
            fields.insert("timestamp".to_owned(), Datum::Time(at.to_string()));
        }
        Self { parsed, fields }
    }

    fn text(mut self, name: &str, text: &str) -> Self {
        if !text.is_empty() {
            self.fields.insert(name.to_owned(), Datum::Text(text.to_owned()));
        }
        self
    }

    fn body(mut self, name: &str) -> Self {
        if let Value::String(text) = &self.parsed.body {
            self.fields.insert(name.to_owned(), Datum::Text(text.to_string()));
        }
        self
    }

    /// An attribute that has another name there.
    fn same(mut self, pairs: &[(&str, &str)]) -> Self {
        for (theirs, ours) in pairs {
            if let Some(value) = attribute(&self.parsed.attributes, ours) {
                self.fields.insert((*theirs).to_owned(), datum(value));
            }
        }
        self
    }

    /// An attribute that is a text there.
    fn shown(mut self, pairs: &[(&str, &str)]) -> Self {
        for (theirs, ours) in pairs {
            if let Some(value) = attribute(&self.parsed.attributes, ours) {
                self.fields.insert((*theirs).to_owned(), Datum::Text(value.to_string()));
            }
        }
        self
    }

    /// What they keep when it is absent.
    fn absent(mut self, names: &[&str], as_what: &Datum) -> Self {
        for name in names {
            self.fields.entry((*name).to_owned()).or_insert_with(|| as_what.clone());
        }
        self
    }
}

/// Headers are lists of one.
fn datum(value: &Value) -> Datum {
    match value {
        Value::String(text) => Datum::Text(text.to_string()),
        Value::Int(number) => Datum::Integer(*number),
        Value::Double(number) => Datum::Decimal(*number),
        Value::Array(values) if values.len() == 1 => datum(&values[0]),
        Value::Map(map) => {
            Datum::Object(map.iter().map(|(key, value)| (key.to_string(), datum(value))).collect())
        }
        Value::Array(_) | Value::Bool(_) | Value::Bytes(_) | Value::Empty => Datum::Null,
    }
}

fn protocol(parsed: &Parsed) -> String {
    let text = |key| attribute(&parsed.attributes, key).map(ToString::to_string);
    let name = text("network.protocol.name").unwrap_or("http".to_owned());
    text("network.protocol.version")
        .map_or(String::new(), |version| format!("{}/{version}", name.to_uppercase()))
}

fn apache(parsed: &Parsed, format: &str) -> Fields {
    let renamed = Renamed::new(parsed).body("message");
    if format == "error" {
        return renamed
            .text("severity", &parsed.severity_text)
            .same(&[
                ("module", "apache.module"),
                ("pid", "process.pid"),
                ("client", "client.address"),
                ("port", "client.port"),
            ])
            .shown(&[("thread", "thread.id")])
            .fields;
    }
    renamed
        .text("protocol", &protocol(parsed))
        .same(&[
            ("host", "client.address"),
            ("identity", "client.identity"),
            ("user", "user.name"),
            ("method", "http.request.method"),
            ("path", "url.original"),
            ("status", "http.response.status_code"),
            ("size", "http.response.body.size"),
            ("referrer", "http.request.header.referer"),
            ("agent", "user_agent.original"),
        ])
        .fields
}

fn nginx(parsed: &Parsed, format: &str) -> Fields {
    let renamed = Renamed::new(parsed);
    let dash = Datum::Text("-".to_owned());
    match format {
        "error" => {
            renamed
                .body("message")
                .text("severity", &parsed.severity_text)
                .same(&[
                    ("pid", "process.pid"),
                    ("tid", "thread.id"),
                    ("cid", "nginx.connection.id"),
                    ("client", "client.address"),
                    ("server", "nginx.server"),
                    ("request", "nginx.request"),
                    ("upstream", "nginx.upstream.address"),
                    ("host", "http.request.header.host"),
                    ("referer", "http.request.header.referer"),
                    ("excess", "nginx.limit.excess"),
                    ("zone", "nginx.limit.zone"),
                ])
                .fields
        }
        "combined" => {
            renamed
                .body("request")
                .same(&[
                    ("client", "client.address"),
                    ("user", "user.name"),
                    ("status", "http.response.status_code"),
                    ("size", "http.response.body.size"),
                    ("referer", "http.request.header.referer"),
                    ("agent", "user_agent.original"),
                ])
                .shown(&[("compression", "nginx.gzip_ratio")])
                .absent(&["referer", "agent"], &dash)
                .fields
        }
        _ => {
            let renamed = renamed.body("request").same(&[
                ("remote_addr", "client.address"),
                ("remote_user", "user.name"),
                ("status", "http.response.status_code"),
                ("body_bytes_size", "http.response.body.size"),
                ("http_referer", "http.request.header.referer"),
                ("http_user_agent", "user_agent.original"),
                ("http_x_forwarded_for", "http.request.header.x-forwarded-for"),
                ("request_length", "http.request.size"),
                ("request_time", "nginx.request_time"),
                ("proxy_upstream_name", "nginx.upstream.name"),
                ("proxy_alternative_upstream_name", "nginx.upstream.alternative_name"),
                ("upstream_addr", "nginx.upstream.address"),
                ("upstream_response_length", "nginx.upstream.response.size"),
                ("upstream_response_time", "nginx.upstream.response.time"),
                ("upstream_status", "nginx.upstream.response.status_code"),
                ("req_id", "nginx.request_id"),
            ]);
            let names: &[&str] = if format == "main" { &[] } else { &["upstream_addr"] };
            renamed.absent(names, &dash).fields
        }
    }
}

fn klog(parsed: &Parsed, _: &str) -> Fields {
    Renamed::new(parsed)
        .body("message")
        .text("level", &parsed.severity_text.to_lowercase())
        .same(&[("id", "thread.id"), ("file", "code.file.path"), ("line", "code.line.number")])
        .fields
}

fn syslog(parsed: &Parsed, _: &str) -> Fields {
    let mut renamed =
        Renamed::new(parsed).body("message").text("severity", &parsed.severity_text).same(&[
            ("facility", "syslog.facility"),
            ("version", "syslog.version"),
            ("hostname", "host.name"),
            ("appname", "service.name"),
            ("procid", "process.pid"),
            ("procid", "syslog.procid"),
            ("msgid", "syslog.msgid"),
        ]);
    if let Some(Value::Map(elements)) = attribute(&parsed.attributes, "syslog.structured_data") {
        renamed.fields.extend(elements.iter().map(|(id, params)| (id.to_string(), datum(params))));
    }
    renamed.fields
}

fn alb(parsed: &Parsed, _: &str) -> Fields {
    let text = |key| attribute(&parsed.attributes, key).map(ToString::to_string);
    let with_port = match (text("client.address"), text("client.port")) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default(),
    };
    let mut renamed = Renamed::new(parsed)
        .text("client_host", &with_port)
        .text("request_protocol", &protocol(parsed))
        .text(
            "ssl_protocol",
            &text("tls.protocol.version").map_or(String::new(), |version| format!("TLSv{version}")),
        )
        .same(&[
            ("type", "aws.elb.type"),
            ("elb", "aws.elb.name"),
            ("target_host", "aws.elb.target.address"),
            ("request_processing_time", "aws.elb.request_processing_time"),
            ("target_processing_time", "aws.elb.target_processing_time"),
            ("response_processing_time", "aws.elb.response_processing_time"),
            ("received_bytes", "http.request.size"),
            ("sent_bytes", "http.response.size"),
            ("request_method", "http.request.method"),
            ("request_url", "url.original"),
            ("user_agent", "user_agent.original"),
            ("ssl_cipher", "tls.cipher"),
            ("target_group_arn", "aws.elb.target_group_arn"),
            ("trace_id", "aws.elb.trace_id"),
            ("domain_name", "tls.client.server_name"),
            ("chosen_cert_arn", "aws.elb.chosen_cert_arn"),
            ("request_creation_time", "aws.elb.request_creation_time"),
            ("actions_executed", "aws.elb.actions_executed"),
            ("redirect_url", "aws.elb.redirect_url"),
            ("error_reason", "aws.elb.error_reason"),
            ("classification", "aws.elb.classification"),
            ("classification_reason", "aws.elb.classification_reason"),
            ("traceability_id", "aws.elb.connection_trace_id"),
        ])
        .shown(&[
            ("elb_status_code", "http.response.status_code"),
            ("target_status_code", "aws.elb.target.status_code"),
            ("matched_rule_priority", "aws.elb.matched_rule_priority"),
        ]);
    // Their time is a text with zeros at its end, where ours is a time.
    renamed.fields.remove("timestamp");
    let at = text("aws.elb.request_creation_time");
    assert!(parsed.at.is_some() && at.is_some());
    for (theirs, ours) in [
        ("target_port_list", "aws.elb.target_port_list"),
        ("target_status_code_list", "aws.elb.target_status_code_list"),
    ] {
        let list = text(ours).map(Datum::Text).into_iter().collect();
        renamed.fields.insert(theirs.to_owned(), Datum::List(list));
    }
    let names = [
        "target_host",
        "target_status_code",
        "request_method",
        "request_protocol",
        "user_agent",
        "ssl_cipher",
        "ssl_protocol",
        "target_group_arn",
        "trace_id",
        "domain_name",
        "chosen_cert_arn",
        "matched_rule_priority",
        "actions_executed",
        "redirect_url",
        "error_reason",
        "classification",
        "classification_reason",
        "traceability_id",
    ];
    renamed.absent(&names, &Datum::Null).fields
}
