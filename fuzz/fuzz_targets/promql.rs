//! Text as PromQL, with all features and with none.

#![no_main]

#[path = "../checks/promql.rs"]
mod check;

use libfuzzer_sys::fuzz_target;
use promql::Features;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    check::check(&text, &Features::ALL);
    check::check(&text, &Features::NONE);
});
