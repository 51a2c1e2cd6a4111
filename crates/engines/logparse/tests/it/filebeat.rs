//! Filebeat's tricky lines of NGINX: proxies before the client, and empty requests.

use logparse::{Format, Options, parse};
use model::{Value, value::attribute};
use serde_json::Value as Json;

use crate::corpus::{folder, report};

#[test]
fn filebeat() {
    let Some(root) = folder("filebeat nginx") else { return };
    let folder = root.join("logs-parse-vectors/filebeat-nginx");
    let lines = std::fs::read_to_string(folder.join("test.log")).unwrap();
    let expected: Json = serde_json::from_str(
        &std::fs::read_to_string(folder.join("test.log-expected.json")).unwrap(),
    )
    .unwrap();
    let expected = expected["expected"].as_array().unwrap();
    assert_eq!(lines.lines().count(), expected.len());
    for (line, expected) in lines.lines().zip(expected) {
        let parsed = parse(Format::Auto, line, &Options::new(model::Timestamp::EPOCH)).unwrap();
        let text = |key| attribute(&parsed.attributes, key).map(ToString::to_string);
        let wanted = |key: &str| {
            expected.get(key).map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
        };
        assert_eq!(parsed.at, wanted("@timestamp").unwrap().parse().ok(), "{line}");
        for (theirs, ours) in [
            ("http.request.method", "http.request.method"),
            ("http.response.body.bytes", "http.response.body.size"),
            ("http.response.status_code", "http.response.status_code"),
            ("http.version", "network.protocol.version"),
            ("source.ip", "client.address"),
            ("url.original", "url.original"),
        ] {
            assert_eq!(text(ours), wanted(theirs), "{ours} of {line}");
        }
        let mut list: Vec<String> =
            match attribute(&parsed.attributes, "http.request.header.x-forwarded-for") {
                Some(Value::Array(list)) => list.iter().map(ToString::to_string).collect(),
                _ => text("client.address").into_iter().collect(),
            };
        list.extend(text("network.peer.address"));
        assert_eq!(serde_json::json!(list), expected["nginx.access.remote_ip_list"], "{line}");
    }
    report("filebeat nginx", expected.len(), 0);
}
