//! The reference's table of federation, case by case, when a copy of it is at hand.

use std::collections::BTreeMap;

use model::Labels;
use serde_json::Value;

use super::{
    load::load,
    reference::tables,
    rig::{Rig, Setup},
};
use crate::support::send;

/// What the reference's test stores.
const SERIES: &str = r#"
    test_metric1{foo="bar",instance="i"} 0+100x100
    test_metric1{foo="boo",instance="i"} 1+0x100
    test_metric2{foo="boo",instance="i"} 1+0x100
    test_metric_without_labels 1+10x100
    test_metric_stale 1+10x99 stale
    test_metric_old 1+10x98
"#;
/// 101 minutes after the epoch, in seconds.
const NOW: i64 = 101 * 60;

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_s_cases_of_federation_are_answered() {
    let Some(tables) = tables("web__federate_test.json") else {
        println!(
            "conformance prometheus-federate: 0 ran, 17 skipped: EVENKEEL_CONFORMANCE_DATA is not set"
        );
        return;
    };
    let cases = tables[0]["cases"].as_object().unwrap();
    let mut rigs: BTreeMap<String, Rig> = BTreeMap::new();
    let (mut ran, mut wrong) = (0, Vec::new());
    for (name, case) in cases {
        let external = case["externalLabels"].clone();
        let key = external.to_string();
        if !rigs.contains_key(&key) {
            let pairs = external.as_object().into_iter().flatten();
            let external_labels =
                Labels::from_pairs(pairs.map(|(name, value)| (&**name, value.as_str().unwrap())));
            let rig =
                Rig::start(Setup { now: Some(NOW), external_labels, ..Setup::default() }).await;
            rig.store(load(SERIES)).await;
            rigs.insert(key.clone(), rig);
        }
        let rig = &rigs[&key];
        let path = format!("/federate?{}", case["params"].as_str().unwrap());
        let path = path.replace('{', "%7b").replace('}', "%7d").replace(' ', "%20");
        let answer = send(rig.at, "GET", &path, &[], b"").await;
        let status = if case["code"]["_id"] == "http.StatusOK" { 200 } else { 400 };
        ran += 1;
        if (answer.status, Value::from(answer.text())) != (status, case["body"].clone()) {
            wrong.push(format!(
                "{name}: {} {}\nexpected {}",
                answer.status,
                answer.text(),
                case["body"]
            ));
        }
    }
    println!("conformance prometheus-federate: {ran} ran, 0 skipped");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
