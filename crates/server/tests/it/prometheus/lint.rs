//! What is likely wrong in an expression, over HTTP: kinds from the store's metadata, places as editors count.

use model::{Batch, Metadata, MetricKind};
use serde_json::{Value, json};

use super::rig::{Rig, Setup};
use crate::support::send;

async fn ask(rig: &Rig, query: &str) -> Value {
    let body = json!({ "query": query }).to_string();
    let head = [("content-type", "application/json")];
    let answer = send(rig.at, "POST", "/evenkeel/v1/promql/lint", &head, body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_str(&answer.text()).unwrap()
}

/// The expression with a fix made, as an editor makes it.
fn fixed(query: &str, fix: &Value) -> String {
    let mut units: Vec<u16> = query.encode_utf16().collect();
    let at = |edit: &Value, key: &str| usize::try_from(edit[key].as_u64().unwrap()).unwrap();
    for edit in fix["edits"].as_array().unwrap().iter().rev() {
        let text = edit["text"].as_str().unwrap().encode_utf16();
        units.splice(at(edit, "start")..at(edit, "end"), text);
    }
    String::from_utf16(&units).unwrap()
}

#[tokio::test]
async fn findings_know_the_kinds_of_stored_metrics_and_their_fixes_apply() {
    let rig = Rig::start(Setup::default()).await;
    let metadata = |family: &str, kind| Metadata {
        family: family.into(),
        kind,
        help: "".into(),
        unit: "".into(),
    };
    let metadata =
        vec![metadata("memory", MetricKind::Gauge), metadata("hits", MetricKind::Counter)];
    rig.store(Batch { metadata, ..Batch::default() }).await;

    // Behind characters of one, two and four bytes.
    let query = "hits{a=\"é😀\"} * 0 + rate(memory[5m])";
    let answer = ask(&rig, query).await;
    let items = answer["items"].as_array().unwrap();
    let codes: Vec<_> = items.iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["counter-without-rate", "rate-of-gauge"], "{answer}");
    let gauge = &items[1];
    let (start, end) = (gauge["start"].as_u64().unwrap(), gauge["end"].as_u64().unwrap());
    let units: Vec<u16> = query.encode_utf16().collect();
    let place = &units[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
    assert_eq!(String::from_utf16(place).unwrap(), "rate(memory[5m])");
    assert_eq!((&gauge["severity"], &gauge["line"]), (&json!("warning"), &json!(1)));
    assert_eq!(gauge["column"], query.find("rate").unwrap() as u64 + 1);
    assert_eq!(gauge["fix"]["title"], "use `deriv`");
    let once = fixed(query, &gauge["fix"]);
    assert_eq!(once, "hits{a=\"é😀\"} * 0 + deriv(memory[5m])");
    let twice = fixed(&once, &items[0]["fix"]);
    assert_eq!(twice, "rate(hits{a=\"é😀\"}[5m]) * 0 + deriv(memory[5m])");
    assert_eq!(ask(&rig, &twice).await, json!({ "items": [], "more": 0 }));
}

#[tokio::test]
async fn what_cannot_be_read_and_what_never_ends_are_answered_too() {
    let rig = Rig::start(Setup::default()).await;
    let answer = ask(&rig, "sum(rate(x[5m])").await;
    let items = answer["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["code"]), (1, &json!("syntax")), "{answer}");
    assert_eq!(items[0]["message"], "unclosed left parenthesis");

    let many = vec!["{a=~\"b\"}"; 150].join(" or ");
    let answer = ask(&rig, &many).await;
    assert_eq!(answer["items"].as_array().unwrap().len(), 100);
    assert!(answer["more"].as_u64().unwrap() >= 150, "{}", answer["more"]);

    let head = [("content-type", "application/json")];
    let long = json!({ "query": "x".repeat(200 << 10) }).to_string();
    for body in [long.as_bytes(), b"{}", br#"{"query":"up","more":1}"#] {
        let refused = send(rig.at, "POST", "/evenkeel/v1/promql/lint", &head, body).await;
        assert_eq!(refused.status, 422, "{}", refused.text());
    }
}
