//! What is amiss in small traces.

use std::time::Duration;

use traces::{Digest, Evidence, Finding, FindingKind, Retries, Trace};

use crate::support::{id, ms, name, trace};

fn of_kind(trace: &Trace, kind: FindingKind) -> Vec<Finding> {
    trace.findings().into_iter().filter(|finding| finding.kind() == kind).collect()
}

fn retries(trace: &Trace) -> Vec<Retries> {
    let found = trace.findings().into_iter();
    found
        .filter_map(
            |finding| if let Finding::Retries(found) = finding { Some(found) } else { None },
        )
        .collect()
}

#[test]
fn attempts_at_a_failing_call_are_counted() {
    let trace = trace(
        "a - web server 0 100 checkout
         b a web client 0 10 pay ! server.address=bank
         c a web client 20 30 pay ! server.address=bank
         d a web client 50 60 pay server.address=bank
         e a web client 70 80 pay server.address=other
         f a web client 80 90 pay server.address=bank",
    );
    let found = of_kind(&trace, FindingKind::RetryStorm);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].to_string(), "`web` called `pay` 3 times, until it succeeded");
    assert_eq!((found[0].count(), found[0].spans()), (3, &[id("b"), id("c"), id("d")][..]));
}

#[test]
fn calls_side_by_side_and_calls_that_succeed_are_no_retries() {
    let side_by_side = trace(
        "a - web server 0 100 checkout
         b a web client 0 50 pay !
         c a web client 10 60 pay !
         d a web client 20 70 pay !",
    );
    assert!(retries(&side_by_side).is_empty());
    let fine = trace(
        "a - web server 0 100 checkout
         b a web client 0 10 pay
         c a web client 20 30 pay",
    );
    assert!(retries(&fine).is_empty());
}

#[test]
fn a_status_code_or_a_count_of_the_instrumentation_shows_a_retry_too() {
    let codes = trace(
        "a - web server 0 100 checkout
         b a web client 0 10 pay http.response.status_code=503
         c a web client 20 30 pay http.response.status_code=200",
    );
    assert_eq!(of_kind(&codes, FindingKind::Retry).len(), 1);
    let counted = trace(
        "a - web server 0 100 checkout
         b a web client 0 10 pay
         c a web client 5 30 pay http.request.resend_count=1",
    );
    assert_eq!(retries(&counted)[0].attempts, 2);
}

#[test]
fn attempts_have_one_target_and_may_be_wrapped() {
    let targets = trace(
        "a - web server 0 100 checkout
         b a web client 0 10 GET ! url.full=http://x/1
         c a web client 20 30 GET ! url.full=http://x/2
         d a web client 40 50 GET url.full=http://x/1",
    );
    let found = retries(&targets);
    assert_eq!((found.len(), &found[0].spans[..]), (1, &[id("b"), id("d")][..]));
    let wrapped = trace(
        "a - web server 0 100 checkout
         w a web internal 0 12 attempt
         b w web client 0 10 pay !
         v a web internal 20 40 attempt
         c v web client 20 30 pay",
    );
    let found = retries(&wrapped);
    assert_eq!((found.len(), found[0].attempts, found[0].parent), (1, 2, id("a")));
}

#[test]
fn levels_of_retries_multiply() {
    let mut text = "a - web server 0 1000 checkout".to_owned();
    for outer in 0..3 {
        let from = outer * 300;
        text += &format!("\nb{outer} a web client {from} {} pay !", from + 290);
        text += &format!("\ns{outer} b{outer} pay server {} {} pay !", from + 1, from + 289);
        for inner in 0..3 {
            let start = from + 10 + inner * 90;
            text +=
                &format!("\nc{outer}{inner} s{outer} pay client {start} {} charge !", start + 80);
        }
    }
    let found = retries(&trace(&text));
    assert_eq!(found.len(), 4);
    assert_eq!((&found[0].levels[..], found[0].amplification()), (&[3, 9][..], 9));
    assert!(!found[0].recovered);
    assert_eq!(
        Finding::Retries(found[0].clone()).to_string(),
        "`web` called `pay` 3 times, and it failed each time; what it calls retries as well: \
         one call became 9 over 2 levels"
    );
}

fn timeout(text: &str) -> Option<(Evidence, Vec<String>)> {
    let found = trace(text).findings().into_iter().find_map(|finding| match finding {
        Finding::Timeout(found) => Some(found),
        _ => None,
    })?;
    Some((found.evidence, found.spans.into_iter().map(name).collect()))
}

#[test]
fn a_server_that_runs_on_after_its_client_gave_up_had_no_deadline() {
    let found = timeout(
        "a - web server 0 1200 checkout
         b a web client 0 1000 pay !
         c b pay server 50 5000 pay",
    );
    let evidence = Evidence::ServerRanOn { client_waited: ms(1000), server_took: ms(4950) };
    assert_eq!(found, Some((evidence, vec!["b".to_owned(), "c".to_owned()])));
    let skewed = timeout(
        "a - web server 0 1200 checkout
         b a web client 0 1000 pay
         c b pay server 9000 9900 pay host=elsewhere",
    );
    assert_eq!(skewed, None, "its clock is off, and it took less");
}

#[test]
fn a_call_that_outlives_its_caller_was_not_cancelled() {
    let found = timeout("a - web server 0 100 checkout\n b a web client 10 900 pay");
    assert_eq!(found.unwrap().0, Evidence::OutlivedCaller { by: ms(800) });
    let elsewhere = "a - web server 0 100 x host=h1\n b a web client 10 900 pay host=h2";
    assert_eq!(timeout(elsewhere), None, "by another clock");
}

#[test]
fn a_call_without_end_and_a_long_one_near_no_deadline_are_suspicious() {
    let found = timeout("a - web server 0 5000 checkout\n b a web client 10 never pay");
    assert_eq!(found.unwrap().0, Evidence::NeverEnded { at_least: ms(4990) });
    let long =
        |end: u64| timeout(&format!("a - web server 0 99999 x\n b a web client 0 {end} pay"));
    let took = Duration::from_millis(47_300);
    assert_eq!(long(47_300).unwrap().0, Evidence::Unbounded { took });
    assert_eq!(long(30_010), None, "30 s is a common deadline");
    assert_eq!(long(9_000), None, "not long");
}

#[test]
fn like_calls_one_after_another_are_told_from_calls_at_once() {
    let mut text = "a - web server 0 1000 orders".to_owned();
    for at in 0..20 {
        let start = at * 20;
        text += &format!(
            "\nb{at} a web client {start} {} SELECT db.query.text=SELECT*FROM(items)WHERE(id={at})",
            start + 15
        );
        text += &format!("\nc{at} a web client 500 {} fetch", 600 + at);
    }
    let trace = trace(&text);
    let found = of_kind(&trace, FindingKind::Repeats);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        found[0].to_string(),
        "`orders` of `web` made 20 like calls `SELECT` one after another, which took 300 ms of its 1 s"
    );
    assert_eq!(found[0].spans().len(), 20);
}

#[test]
fn spans_without_their_parent_are_found_together() {
    let trace = trace(
        "a - web server 0 100 x
         b z cart internal 10 20 load
         c z cart internal 30 40 save
         d c cart internal 31 32 x",
    );
    let found = of_kind(&trace, FindingKind::Orphans);
    let expected = format!(
        "2 spans, `load` of `cart` the first, name a parent that never came: {}; 1 span hangs below",
        id("z")
    );
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

#[test]
fn a_digest_counts_over_traces() {
    let mut digest = Digest::default();
    for number in 1..=7 {
        let retry = format!(
            "a - web server 0 100 x trace={number}
             b a web client 0 10 pay ! trace={number}
             c a web client 20 30 pay trace={number}"
        );
        digest.add(&trace(&retry));
    }
    digest.add(&trace("a - web server 0 100 x"));
    let rows = digest.rows();
    assert_eq!((digest.traces(), rows.len(), digest.left_out()), (8, 1, 0));
    let (key, row) = rows.first_key_value().unwrap();
    assert_eq!((key.kind.as_str(), &*key.service, &*key.operation), ("retry", "web", "pay"));
    assert_eq!((row.traces, row.spans, row.worst, row.examples.len()), (7, 14, 2, 5));
    assert_eq!(row.sentence, "`web` called `pay` 2 times, until it succeeded");
}
