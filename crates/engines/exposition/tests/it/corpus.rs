//! Where conformance data is, and how its bytes are written.

use std::path::PathBuf;

use serde_json::Value;

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

/// The tables of a transcribed test file.
pub(crate) fn tables(root: &std::path::Path, path: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(root.join(path)).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    file["tables"].as_array().unwrap().clone()
}

/// A text, or bytes in hexadecimal digits.
pub(crate) fn bytes(value: &Value) -> Option<Vec<u8>> {
    if let Some(text) = value.as_str() {
        return Some(text.as_bytes().to_vec());
    }
    let hex = value["_bytes_hex"].as_str()?;
    let digits: Vec<u32> = hex.chars().map(|c| c.to_digit(16).unwrap()).collect();
    Some(digits.chunks(2).map(|two| u8::try_from(two[0] * 16 + two[1]).unwrap()).collect())
}
