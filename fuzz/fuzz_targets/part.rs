//! Sections, parts and manifests whose checksums are right.

#![no_main]

#[path = "../checks/good.rs"]
mod good;
#[path = "../checks/input.rs"]
mod input;
#[path = "../checks/part.rs"]
mod part;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| part::check(bytes));
