//! The log's reader over the corpus of the fuzz target `wal`, and mutations of it.

use crate::{
    mutate::{corpus, mutations},
    reader,
};

#[test]
fn no_mutation_of_the_corpus_does_harm() {
    let mut checked = 0;
    for (name, bytes) in corpus("wal") {
        for input in mutations(&name, &bytes) {
            // The others are records for the store of samples.
            if let Some((0..128, rest)) = input.split_first() {
                reader::check(rest);
                checked += 1;
            }
        }
    }
    assert!(checked > 1000, "{checked}");
}
