//! Critical paths of sets of traces.

use traces::{Operation, Profile, limits};

use crate::support::{ms, spans, trace};

/// A checkout that waits for the cart for so long, and then for the bank.
fn checkout(cart: i64, bank: i64) -> String {
    let (one, two) = (10 + cart, 20 + cart + bank);
    format!(
        "a - web server 0 {} checkout
         b a web client 10 {one} call
         c b cart server 10 {one} load
         d a web client {} {two} pay",
        two + 10,
        one + 10,
    )
}

fn operation(service: &str, name: &str) -> Operation {
    Operation { service: service.into(), name: name.into() }
}

#[test]
fn shares_are_of_all_critical_time() {
    let mut profile = Profile::default();
    profile.add(&trace(&checkout(50, 20)));
    profile.add(&trace(&checkout(50, 20)));
    let shares = profile.shares();
    assert_eq!(profile.traces(), 2);
    assert_eq!(profile.total(), ms(200));
    assert_eq!(shares[0].operation, operation("cart", "load"));
    assert_eq!((shares[0].time, shares[0].ratio, shares[0].traces), (ms(100), 0.5, 2));
    let sum: f64 = shares.iter().map(|share| share.ratio).sum();
    assert!((sum - 1.0).abs() < 1e-9);
}

#[test]
fn the_flame_graph_has_the_call_paths() {
    let mut profile = Profile::default();
    profile.add(&trace(&checkout(50, 20)));
    let shown: Vec<String> = profile
        .flame()
        .iter()
        .map(|frame| {
            let indent = "  ".repeat(frame.depth);
            let (own, total) = (frame.own.as_millis(), frame.total.as_millis());
            format!("{indent}{} {own}/{total}", frame.operation.name)
        })
        .collect();
    assert_eq!(shown, ["checkout 30/100", "  call 0/50", "    load 50/50", "  pay 20/20"]);
}

#[test]
fn what_grew_comes_first_and_is_told_from_chance() {
    let (mut before, mut after) = (Profile::default(), Profile::default());
    for wobble in 0..20 {
        before.add(&trace(&checkout(50, 20 + wobble)));
        after.add(&trace(&checkout(90, 20 + wobble)));
    }
    let changes = before.compare(&after);
    assert_eq!(changes[0].operation, operation("cart", "load"));
    assert!((changes[0].growth_secs() - 0.04).abs() < 1e-9);
    assert!((changes[0].part - 1.0).abs() < 1e-9 && changes[0].error_secs < 1e-9);
    let pay = changes.iter().find(|change| &*change.operation.name == "pay").unwrap();
    assert!(pay.growth_secs().abs() < 1e-9 && pay.error_secs > 0.001, "{pay:?}");
}

#[test]
fn what_only_one_set_has_is_compared_with_nothing() {
    let mut after = Profile::default();
    after.add(&trace(&checkout(50, 20)));
    let changes = Profile::default().compare(&after);
    assert!((changes[0].after_secs - 0.05).abs() < 1e-9 && changes[0].before_secs == 0.0);
}

#[test]
fn a_deep_path_is_folded_into_its_first_part() {
    let mut text = "s0 - web internal 0 1000 op0".to_owned();
    for depth in 1..200 {
        let parent = depth - 1;
        text += &format!("\ns{depth} s{parent} web internal {depth} {} op{depth}", 1000 - depth);
    }
    let mut profile = Profile::default();
    profile.add(&trace(&text));
    assert_eq!(profile.flame().len(), limits::PATH_DEPTH_MAX);
    assert_eq!(profile.flame()[0].total, ms(1000));
    assert!(profile.folded() > ms(600), "{:?}", profile.folded());
    assert_eq!(spans(&text).len(), 200);
}

#[test]
fn paths_begin_where_they_were_asked_to() {
    let mut profile = Profile::default();
    let trace = trace(&checkout(50, 20));
    profile.add_from(&trace, 1);
    let frames = profile.flame();
    assert_eq!((frames.len(), frames[0].depth, frames[0].total), (2, 0, ms(50)));
}
