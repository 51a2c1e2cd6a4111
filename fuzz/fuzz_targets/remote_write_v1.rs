//! `prometheus.WriteRequest` and `prometheus.ReadRequest`.

#![no_main]

mod walk;

use exposition::{remote_read::ReadRequest, remote_write::v1};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let mut curious = walk::Curious::new(body, None);
    if let Err(error) = v1::walk(body, &mut curious) {
        assert!(error.at() <= body.len(), "{error}");
    }
    let _looks = v1::looks_like_v2(body);
    drop(ReadRequest::decode(body, 16, 16));
});
