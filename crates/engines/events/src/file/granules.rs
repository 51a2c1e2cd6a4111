//! Which granules of a file can hold a token, a trace or an attribute's value.
//!
//! Each thing is a 64-bit hash. Its high bits choose a *bucket*; in the bucket lie, for each granule that has it, a byte more of
//! the hash and the granule's number. So one short read answers for the whole file, and one in 256 entries met by chance sends
//! the search to a granule in vain. What is in more than half of the granules says nothing: those hashes are in a list.
//!
//! `magic | granules u32 | bucket bits u8 | commons u32 | entries u32 | commons (u64 each, sorted) | group offsets (u32 each)`,
//! then for each group of [`GROUP_BUCKETS`] buckets: `entries of each bucket (u8) | fingerprints (u8) | granules (u16)`.

use std::collections::BTreeSet;

use twox_hash::xxhash3_64::Hasher;
use wal::codec::{DecodeError, Reader};

const MAGIC: &[u8; 4] = b"EKGX";
const GROUP_BUCKETS: usize = 64;
/// Entries that a bucket has on average, about.
const BUCKET_ENTRIES: usize = 3;
const BUCKET_BITS_MAX: u32 = 26;
const HEADER_BYTES: usize = 17;

/// The hash of a token in lower case.
pub(crate) fn token_hash(token: &str) -> u64 {
    Hasher::oneshot(token.as_bytes())
}

/// The hash of an attribute's whole text.
pub(crate) fn attribute_hash(key: &str, text: &str) -> u64 {
    let seed = Hasher::oneshot(key.as_bytes());
    Hasher::oneshot_with_seed(seed | 1, text.as_bytes())
}

/// The hash of a trace id as the tables write it.
pub(crate) fn trace_hash(id: &str) -> u64 {
    Hasher::oneshot_with_seed(0x7472_6163_6520_6964, id.as_bytes())
}

/// Collects what each granule has.
#[derive(Debug, Default)]
pub(crate) struct GranuleWriter {
    entries: Vec<(u64, u16)>,
    granules: u16,
}

impl GranuleWriter {
    /// Adds the next granule's hashes.
    pub(crate) fn push(&mut self, hashes: impl Iterator<Item = u64>) {
        let granule = self.granules;
        self.entries.extend(hashes.map(|hash| (hash, granule)));
        self.granules = granule.checked_add(1).expect("a file has fewer than 65,536 granules");
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entries.sort_unstable();
        self.entries.dedup();
        let mut commons = Vec::new();
        let mut rest: Vec<(u64, u16)> = Vec::new();
        for run in self.entries.chunk_by(|one, other| one.0 == other.0) {
            if self.granules > 1 && run.len() * 2 > usize::from(self.granules) {
                commons.push(run[0].0);
            } else {
                rest.extend_from_slice(run);
            }
        }
        let bits = bucket_bits(&rest);
        let mut out = MAGIC.to_vec();
        let word = |count: usize| {
            u32::try_from(count).expect("a file has fewer than 2^32 entries").to_le_bytes()
        };
        out.extend_from_slice(&word(self.granules.into()));
        out.push(u8::try_from(bits).expect("bits of a hash"));
        out.extend_from_slice(&word(commons.len()));
        out.extend_from_slice(&word(rest.len()));
        commons.iter().for_each(|hash| out.extend_from_slice(&hash.to_le_bytes()));
        let groups = groups(bits);
        let mut body: Vec<u8> = Vec::with_capacity(rest.len() * 3 + (groups * GROUP_BUCKETS));
        let mut left = &rest[..];
        for group in 0..groups {
            out.extend_from_slice(&word(body.len()));
            let end =
                left.partition_point(|(hash, _)| bucket(*hash, bits) / GROUP_BUCKETS <= group);
            let (own, after) = left.split_at(end);
            let mut counts = [0_u8; GROUP_BUCKETS];
            for (hash, _) in own {
                counts[bucket(*hash, bits) % GROUP_BUCKETS] += 1;
            }
            body.extend_from_slice(&counts);
            body.extend(own.iter().map(|(hash, _)| fingerprint(*hash, bits)));
            own.iter().for_each(|(_, granule)| body.extend_from_slice(&granule.to_le_bytes()));
            left = after;
        }
        out.extend_from_slice(&word(body.len()));
        out.extend_from_slice(&body);
        out
    }
}

/// So many that no bucket has more entries than a byte counts.
fn bucket_bits(sorted: &[(u64, u16)]) -> u32 {
    let mut bits = (sorted.len() / BUCKET_ENTRIES).max(1).ilog2().clamp(6, BUCKET_BITS_MAX);
    let overflows = |bits: u32| {
        sorted
            .chunk_by(|one, other| bucket(one.0, bits) == bucket(other.0, bits))
            .any(|bucket| bucket.len() > usize::from(u8::MAX))
    };
    while bits < BUCKET_BITS_MAX && overflows(bits) {
        bits += 1;
    }
    bits
}

fn groups(bits: u32) -> usize {
    (1_usize << bits).div_ceil(GROUP_BUCKETS)
}

fn bucket(hash: u64, bits: u32) -> usize {
    usize::try_from(hash >> (64 - bits)).expect("a bucket's number is short")
}

fn fingerprint(hash: u64, bits: u32) -> u8 {
    u8::try_from((hash << bits) >> 56).expect("eight bits")
}

/// The part of an index that stays in memory.
#[derive(Debug)]
pub(crate) struct GranuleIndex {
    bits: u32,
    commons: Vec<u64>,
    /// Where each group begins, and where the last ends, from `body`.
    offsets: Vec<u32>,
    /// Where the groups begin in the index.
    body: u64,
}

/// Where an answer lies.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Nothing to learn: it may be in any granule.
    Any,
    /// In the bytes of this range of the index.
    Read { offset: u64, len: usize },
}

impl GranuleIndex {
    /// How much of an index [`Self::read`] needs, from its first [`Self::HEADER_BYTES`].
    pub(crate) fn head_bytes(header: &[u8]) -> Result<usize, DecodeError> {
        let header = Header::read(header)?;
        Ok(HEADER_BYTES + header.commons * 8 + (groups(header.bits) + 1) * 4)
    }

    pub(crate) const HEADER_BYTES: usize = HEADER_BYTES;

    pub(crate) fn read(head: &[u8]) -> Result<Self, DecodeError> {
        let header = Header::read(head)?;
        let mut reader = Reader::new(head);
        reader.take(HEADER_BYTES, "header")?;
        let commons = reader.take(header.commons * 8, "commons")?.chunks_exact(8);
        let commons =
            commons.map(|hash| u64::from_le_bytes(hash.try_into().expect("8 bytes"))).collect();
        let offsets = reader.take((groups(header.bits) + 1) * 4, "offsets")?.chunks_exact(4);
        let offsets =
            offsets.map(|offset| u32::from_le_bytes(offset.try_into().expect("4 bytes"))).collect();
        let body = (head.len() - reader.rest().len()) as u64;
        Ok(Self { bits: header.bits, commons, offsets, body })
    }

    pub(crate) fn lookup(&self, hash: u64) -> Lookup {
        if self.commons.binary_search(&hash).is_ok() {
            return Lookup::Any;
        }
        let group = bucket(hash, self.bits) / GROUP_BUCKETS;
        let (start, end) = (self.offsets[group], self.offsets[group + 1]);
        let len = usize::try_from(end.saturating_sub(start)).expect("fewer than 2^32 bytes");
        Lookup::Read { offset: self.body + u64::from(start), len }
    }

    /// The granules that may have `hash`, out of the bytes that [`Self::lookup`] named.
    pub(crate) fn granules_in(&self, hash: u64, group: &[u8]) -> Option<BTreeSet<u16>> {
        let (counts, entries) = group.split_at_checked(GROUP_BUCKETS)?;
        let own = bucket(hash, self.bits) % GROUP_BUCKETS;
        let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
        let before: usize = counts[..own].iter().map(|count| usize::from(*count)).sum();
        let (fingerprints, granules) = entries.split_at_checked(total)?;
        let wanted = fingerprint(hash, self.bits);
        let mut found = BTreeSet::new();
        for at in before..before + usize::from(counts[own]) {
            if *fingerprints.get(at)? == wanted {
                let granule = granules.get(at * 2..at * 2 + 2)?;
                found.insert(u16::from_le_bytes([granule[0], granule[1]]));
            }
        }
        Some(found)
    }
}

struct Header {
    bits: u32,
    commons: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.take(4, "magic")? != MAGIC {
            return Err(reader.error("magic"));
        }
        // How many granules there are is for people who look at a file.
        let _granules: [u8; 4] = reader.array("granules")?;
        let bits = u32::from(reader.byte("bits")?);
        if !(6..=BUCKET_BITS_MAX).contains(&bits) {
            return Err(reader.error("bits"));
        }
        let commons = u32::from_le_bytes(reader.array("commons")?);
        let commons = usize::try_from(commons).map_err(|_| reader.error("commons"))?;
        Ok(Self { bits, commons })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lookup(bytes: &[u8], hash: u64) -> Option<BTreeSet<u16>> {
        let head = GranuleIndex::head_bytes(&bytes[..HEADER_BYTES]).unwrap();
        let index = GranuleIndex::read(&bytes[..head]).unwrap();
        match index.lookup(hash) {
            Lookup::Any => None,
            Lookup::Read { offset, len } => {
                let start = usize::try_from(offset).unwrap();
                Some(index.granules_in(hash, &bytes[start..start + len]).unwrap())
            }
        }
    }

    proptest! {
        #[test]
        fn never_denies_what_is_there(granules in prop::collection::vec(prop::collection::vec(0_u64..500, 0..200), 1..30)) {
            let hashed: Vec<Vec<u64>> = granules.iter().map(|tokens| {
                tokens.iter().map(|token| token_hash(&token.to_string())).collect()
            }).collect();
            let mut writer = GranuleWriter::default();
            hashed.iter().for_each(|hashes| writer.push(hashes.iter().copied()));
            let bytes = writer.finish();
            for token in 0..500_u64 {
                let hash = token_hash(&token.to_string());
                if let Some(found) = lookup(&bytes, hash) {
                    for (granule, hashes) in hashed.iter().enumerate() {
                        prop_assert!(!hashes.contains(&hash) || found.contains(&u16::try_from(granule).unwrap()));
                    }
                }
            }
        }

        #[test]
        fn rubbish_never_panics(bytes: Vec<u8>) {
            if GranuleIndex::head_bytes(&bytes).is_ok() {
                drop(GranuleIndex::read(&bytes));
            }
        }
    }

    #[test]
    fn tells_granules_apart() {
        let mut writer = GranuleWriter::default();
        for granule in 0..200_u64 {
            writer.push(
                (0..2000)
                    .map(|token| token_hash(&format!("{granule}-{token}")))
                    .chain([token_hash("often")]),
            );
        }
        let bytes = writer.finish();
        assert_eq!(lookup(&bytes, token_hash("often")), None);
        let searched: usize = (0..200)
            .map(|granule| lookup(&bytes, token_hash(&format!("{granule}-7"))).unwrap().len())
            .sum();
        assert!(searched < 210, "one granule each, but for chance: {searched}");
        let per_entry = bytes.len() as f64 / 400_000.0;
        assert!(per_entry < 3.6, "bytes for each entry: {per_entry}");
    }
}
