//! Mutations of corpus files, the same for every target's test.
//!
//! **Invariant:** the same seed, name and bytes give the same mutations on every machine.

use std::{fs, path::Path};

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

/// Mutations of each corpus file; `EVENKEEL_ROUNDS` multiplies them.
const MUTATIONS: usize = 500;
/// Bytes of a mutation; what outgrows this is cut.
const BYTES_MAX: usize = 64 << 10;
/// Changes to one input.
const CHANGES_MAX: usize = 4;

/// The files of `fuzz/corpus/<target>`, by name.
pub(crate) fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fuzz = root.ancestors().map(|folder| folder.join("fuzz")).find(|fuzz| fuzz.is_dir());
    let folder = fuzz.unwrap().join("corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().display().to_string(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "`{}` has no files", folder.display());
    files
}

/// `bytes` themselves, then their mutations.
pub(crate) fn mutations(name: &str, bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let seed = name.bytes().fold(7_u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
    let mut random = StdRng::seed_from_u64(seed);
    let first = bytes.to_vec();
    let original = bytes.to_vec();
    let rest = (0..MUTATIONS * rounds()).map(move |_| mutate(&mut random, original.clone()));
    std::iter::once(first).chain(rest)
}

#[expect(clippy::disallowed_methods, reason = "how long to run is the caller's to say")]
fn rounds() -> usize {
    std::env::var("EVENKEEL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn mutate(random: &mut StdRng, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..random.random_range(1..=CHANGES_MAX) {
        let at = random.random_range(0..=bytes.len());
        let end = random.random_range(at..=bytes.len().min(at + 64));
        match random.random_range(0..6_u8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copy = bytes[at..end].to_vec();
                let times = random.random_range(1..8);
                bytes.splice(at..at, copy.repeat(times));
            }
            3 => {
                let mut noise = vec![0; random.random_range(1..9)];
                random.fill_bytes(&mut noise);
                bytes.splice(at..at, noise);
            }
            4 => {
                let hostile = HOSTILE[random.random_range(0..HOSTILE.len())];
                bytes.splice(at..end, hostile.iter().copied());
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.random_range(0..8_u8);
                }
            }
        }
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

/// What readers of numbers, text and lengths stumble over.
const HOSTILE: [&[u8]; 14] = [
    b"-1",
    b"18446744073709551616",
    b"9223372036854775807",
    b"1e999",
    b"NaN",
    b"null",
    b"[[[[[[[[",
    b"((((((((",
    b"\"",
    b"\\u0000",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\n\t",
];
