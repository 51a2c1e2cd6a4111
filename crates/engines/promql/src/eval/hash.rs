//! Hashes of labels that tell series apart without comparing them.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    sync::LazyLock,
};

/// A keyed hash of 128 bits: two sets of labels with the same hash are the same, as nobody knows the key.
pub(super) type Signature = u128;

struct Key {
    first: u64,
    second: u64,
}

static KEY: LazyLock<Key> = LazyLock::new(|| {
    let random = || RandomState::new().build_hasher().finish() | 1;
    Key { first: random(), second: random() }
});

/// Hashes labels one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct LabelHasher {
    a: u64,
    b: u64,
}

/// Both halves of a product of 64 by 64 bits, folded.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
    let low = product as u64;
    low ^ ((product >> 64) as u64)
}

impl LabelHasher {
    pub(super) fn new() -> Self {
        Self { a: KEY.first, b: KEY.second }
    }

    #[inline]
    fn word(&mut self, word: u64) {
        self.a = fold(self.a ^ word, 0x9E37_79B9_7F4A_7C15);
        self.b = fold(self.b.rotate_left(23) ^ word, KEY.second);
    }

    #[inline]
    fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let (chunks, rest) = bytes.as_chunks::<8>();
        for chunk in chunks {
            self.word(u64::from_le_bytes(*chunk));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        // The length keeps "ab" + "c" apart from "a" + "bc".
        self.word(u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56));
    }

    /// Adds a label.
    #[inline]
    pub(super) fn label(&mut self, name: &str, value: &str) {
        self.text(name);
        self.text(value);
    }

    #[inline]
    pub(super) fn finish(self) -> Signature {
        let a = fold(self.a, KEY.first | 1);
        let b = fold(self.b, 0xD6E8_FEB8_6659_FD93);
        (u128::from(a) << 64) | u128::from(b ^ self.a.rotate_left(17))
    }
}

/// A map's hasher for keys that are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, key: u128) {
        #[expect(clippy::cast_possible_truncation, reason = "both halves are random")]
        let low = key as u64;
        self.0 = low;
    }
}

/// A map from signatures.
pub(super) type SignatureMap<V> =
    std::collections::HashMap<Signature, V, std::hash::BuildHasherDefault<Hashed>>;

/// `XXH64` with seed 0, with which Prometheus hashes labels for `limit_ratio`.
pub(super) fn xxh64(bytes: &[u8]) -> u64 {
    const P1: u64 = 0x9E37_79B1_85EB_CA87;
    const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
    const P3: u64 = 0x1656_67B1_9E37_79F9;
    const P4: u64 = 0x85EB_CA77_C2B2_AE63;
    const P5: u64 = 0x27D4_EB2F_1656_67C5;
    let round = |state: u64, word: u64| {
        state.wrapping_add(word.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
    };
    let (blocks, rest) = bytes.as_chunks::<32>();
    let mut hash = if blocks.is_empty() {
        P5
    } else {
        let mut lanes = [P1.wrapping_add(P2), P2, 0, 0_u64.wrapping_sub(P1)];
        for block in blocks {
            let (words, _) = block.as_chunks::<8>();
            for (lane, word) in lanes.iter_mut().zip(words) {
                *lane = round(*lane, u64::from_le_bytes(*word));
            }
        }
        let mut hash = lanes
            .iter()
            .zip([1, 7, 12, 18])
            .fold(0_u64, |hash, (lane, turn)| hash.wrapping_add(lane.rotate_left(turn)));
        for lane in lanes {
            hash = (hash ^ round(0, lane)).wrapping_mul(P1).wrapping_add(P4);
        }
        hash
    };
    hash = hash.wrapping_add(bytes.len() as u64);
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        hash ^= round(0, u64::from_le_bytes(*word));
        hash = hash.rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
    }
    let (halves, rest) = rest.as_chunks::<4>();
    for half in halves {
        hash ^= u64::from(u32::from_le_bytes(*half)).wrapping_mul(P1);
        hash = hash.rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
    }
    for byte in rest {
        hash ^= u64::from(*byte).wrapping_mul(P5);
        hash = hash.rotate_left(11).wrapping_mul(P1);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(P2);
    hash ^= hash >> 29;
    hash = hash.wrapping_mul(P3);
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xxh64_is_xxh64() {
        assert_eq!(xxh64(b""), 0xEF46_DB37_51D8_E999);
        assert_eq!(xxh64(b"a"), 0xD24E_C4F1_A98C_6E5B);
        assert_eq!(xxh64(b"abc"), 0x44BC_2CF5_AD77_0999);
        let long = xxh64(b"Call me Ishmael. Some years ago--never mind how long precisely-");
        assert_eq!(long, 0x02A2_E854_70D6_FD96);
    }

    #[test]
    fn labels_do_not_run_into_each_other() {
        let hash = |labels: &[(&str, &str)]| {
            let mut hasher = LabelHasher::new();
            labels.iter().for_each(|(name, value)| hasher.label(name, value));
            hasher.finish()
        };
        assert_eq!(hash(&[("a", "b")]), hash(&[("a", "b")]));
        assert_ne!(hash(&[("a", "bc")]), hash(&[("ab", "c")]));
        assert_ne!(hash(&[("a", "b"), ("c", "d")]), hash(&[("a", "b")]));
        assert_ne!(hash(&[("a", "")]), hash(&[]));
        assert_ne!(hash(&[("a", "12345678")]), hash(&[("a", "12345679")]));
    }
}
