//! Where conformance data is.

use std::path::PathBuf;

/// The folder that `EVENKEEL_CONFORMANCE_DATA` names; `None`, said aloud, when it names none.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("EVENKEEL_CONFORMANCE_DATA");
    if root.is_none() {
        say(&format!("conformance {name}: skipped, EVENKEEL_CONFORMANCE_DATA is not set"));
    }
    root.map(PathBuf::from)
}

#[expect(clippy::print_stdout, reason = "a test's report")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

pub(crate) fn report(name: &str, ran: usize, skipped: usize) {
    say(&format!("conformance {name}: {ran} ran, {skipped} skipped"));
}
