//! `io.prometheus.write.v2.Request`.

#![no_main]

mod walk;

use exposition::remote_write::{KeyHasher, v2};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let symbols = match v2::Symbols::read(body, &KeyHasher::new(1), 1 << 16) {
        Ok(symbols) => symbols,
        Err(error) => {
            assert!(error.at() <= body.len(), "{error}");
            return;
        }
    };
    let mut curious = walk::Curious::new(body, Some(&symbols));
    if let Err(error) = v2::walk(body, &symbols, &mut curious) {
        assert!(error.at() <= body.len(), "{error}");
    }
});
