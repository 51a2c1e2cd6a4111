//! The store over the corpora of the fuzz targets `wal` and `part`, and mutations of them.

use crate::{
    mutate::{corpus, mutations},
    part, store,
};

/// One of so many mutations is opened as a store, which takes its time where nothing is optimized.
const OPENED: usize = 2;

#[test]
fn no_mutation_of_the_logs_corpus_does_harm() {
    let mut checked = 0;
    for (name, bytes) in corpus("wal") {
        for input in mutations(&name, &bytes).step_by(OPENED) {
            // The others are segments for the log's reader.
            if let Some((128.., rest)) = input.split_first() {
                store::check(rest);
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn no_mutation_of_the_parts_corpus_does_harm() {
    for (name, bytes) in corpus("part") {
        let is_section = name.starts_with("section");
        for input in mutations(&name, &bytes).step_by(if is_section { 1 } else { OPENED }) {
            part::check(&input);
        }
    }
}
