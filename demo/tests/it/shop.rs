//! The shop starts, serves, rolls and stops.

use std::{path::Path, time::Duration};

use shop::story::{Shop, ShopConfig};
use tokio::{process::Command, time::timeout};

use super::evenkeel::{self, Seen};

const EXE: &str = env!("CARGO_BIN_EXE_shop");

async fn open(evenkeel_url: &str, dir: &Path) -> (Shop, ShopConfig) {
    let config = ShopConfig {
        exe: EXE.into(),
        prefix: Vec::new(),
        evenkeel_url: evenkeel_url.to_owned(),
        otlp_url: evenkeel_url.to_owned(),
        dir: dir.to_owned(),
        deployer_listen: ([127, 0, 0, 1], 0).into(),
        rate: 80.0,
        seed: 1,
    };
    (Shop::start(&config).await.unwrap(), config)
}

/// Runs an order at the command line; its exit code and what it said.
async fn order(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(EXE).args(arguments).output().await.unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// Waits until telemetry tells it; the limit is for a machine that is very busy.
async fn until(what: &str, seen: &Seen, so: impl Fn(&Seen) -> bool) {
    loop {
        let arrived = seen.arrived.notified();
        if so(seen) {
            return;
        }
        timeout(Duration::from_secs(30), arrived)
            .await
            .unwrap_or_else(|_| panic!("not seen: {what}"));
    }
}

#[tokio::test]
async fn a_bad_version_is_seen_refused_and_rolled_back() {
    let (url, seen) = evenkeel::start("2.0.1").await;
    let dir = tempfile::tempdir().unwrap();
    let (shop, config) = open(&url, dir.path()).await;
    let at_file = format!("@{}", config.address_file().display());
    let deployer = ["--deployer", at_file.as_str(), "--service", "checkout"];

    let deploy =
        [&["deploy"], &deployer[..], &["--version", "2.0.0", "--instances", "half"]].concat();
    assert_eq!(
        order(&deploy).await,
        (Some(0), "2 of 4 instances of checkout now run 2.0.0".to_owned())
    );
    until("orders that fail on 2.0.0", &seen, |seen| {
        seen.server_spans("checkout").iter().filter(|span| span.version == "2.0.0").count() >= 2
    })
    .await;

    let blocked = [&["deploy"], &deployer[..], &["--version", "2.0.1"]].concat();
    assert_eq!(order(&blocked).await, (Some(1), "the gate says block".to_owned()));

    let rollback = [&["rollback"], &deployer[..], &["--to", "1.9.0"]].concat();
    assert_eq!(
        order(&rollback).await,
        (Some(0), "2 of 4 instances of checkout now run 1.9.0".to_owned())
    );
    assert_eq!(
        order(&rollback).await,
        (Some(0), "all instances of checkout already run 1.9.0".to_owned())
    );
    until("orders that succeed", &seen, |seen| {
        seen.server_spans("checkout").iter().any(|span| !span.failed)
    })
    .await;
    let summary = shop.stop().await.unwrap();
    assert_eq!((summary.unanswered, summary.shed), (0, 0), "{summary:?}");
    assert!(summary.answers.keys().all(|status| [200, 502].contains(status)), "{summary:?}");

    check_telemetry(&seen);
    let deploys = seen.deploys.lock().unwrap();
    let told: Vec<String> = deploys
        .iter()
        .map(|deploy| {
            format!(
                "{} after {} undoes {}",
                deploy["version"], deploy["previous_version"], deploy["rolls_back"]
            )
        })
        .collect();
    assert_eq!(
        told,
        [r#""2.0.0" after "1.9.0" undoes null"#, r#""1.9.0" after "2.0.0" undoes "dpl_1""#]
    );
}

fn check_telemetry(seen: &Seen) {
    for span in seen.server_spans("checkout") {
        assert_eq!(span.name, "POST /checkout");
        assert_eq!(
            (span.failed, span.has_exception),
            (span.version == "2.0.0", span.version == "2.0.0"),
            "{span:?}"
        );
        assert!(
            span.user.is_some_and(|user| user.starts_with("u-")),
            "the customer travels with the request"
        );
    }
    for service in ["web", "auth", "catalog", "cart", "checkout", "payment", "search"] {
        assert!(!seen.server_spans(service).is_empty(), "{service} sent no span");
    }
    let paid = seen.server_spans("payment").pop().unwrap();
    let spans = seen.spans.lock().unwrap();
    let mut on_the_way: Vec<&str> = spans
        .iter()
        .filter(|span| span.trace == paid.trace && span.kind == 2)
        .map(|span| span.service.as_str())
        .collect();
    on_the_way.sort_unstable();
    on_the_way.dedup();
    assert_eq!(
        on_the_way,
        ["auth", "cart", "checkout", "payment", "web"],
        "one trace goes through all of them"
    );
    let metrics = seen.metrics.lock().unwrap();
    assert!(
        metrics.contains("http.server.request.duration") && metrics.contains("shop.orders"),
        "{metrics:?}"
    );
    let logs = seen.logs.lock().unwrap();
    assert!(logs.iter().any(|text| text.contains("field `currency` is missing")), "{logs:?}");
}

#[tokio::test]
async fn a_roll_makes_no_request_fail_and_a_fault_does() {
    let (url, seen) = evenkeel::start("none").await;
    let dir = tempfile::tempdir().unwrap();
    let (shop, _) = open(&url, dir.path()).await;
    let deployer = shop.deployer_url().to_owned();
    let orders = [
        ("checkout", "1.9.1", "4 of 4"),
        ("cart", "2.3.1", "1 of 1"),
        ("payment", "4.1.3", "1 of 1"),
    ];
    for (service, version, instances) in orders {
        let arguments =
            ["deploy", "--deployer", &deployer, "--service", service, "--version", version];
        let said = format!("{instances} instances of {service} now run {version}");
        assert_eq!(order(&arguments).await, (Some(0), said));
    }
    until("orders on the new versions", &seen, |seen| {
        seen.server_spans("payment").iter().any(|span| span.version == "4.1.3")
    })
    .await;
    let failed = seen.spans.lock().unwrap().iter().filter(|span| span.failed).count();
    assert_eq!(failed, 0, "no request fails while versions are rolled");

    let fault = |action| {
        ["fault", "--deployer", &deployer, "--service", "payment", action, "provider_down"]
    };
    assert_eq!(order(&fault("set")).await.0, Some(0));
    until("a payment that fails", &seen, |seen| {
        seen.server_spans("payment").iter().any(|span| span.failed)
    })
    .await;
    assert_eq!(order(&fault("clear")).await.0, Some(0));
    let summary = shop.stop().await.unwrap();
    assert_eq!(summary.unanswered, 0, "{summary:?}");
}
