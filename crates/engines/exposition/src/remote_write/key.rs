//! Keys of series by the bytes that name them.

use twox_hash::XxHash3_128;

/// Bytes of the hash's secret.
const SECRET_BYTES: usize = 192;

/// Hashes bytes to 128 bits (XXH3) with a secret of its own, so that nobody outside can make two series' keys meet.
#[derive(Clone)]
pub struct KeyHasher {
    secret: [u8; SECRET_BYTES],
}

impl std::fmt::Debug for KeyHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyHasher").finish_non_exhaustive()
    }
}

impl KeyHasher {
    /// `seed` should come from a source of randomness; the same seed gives the same keys.
    pub fn new(seed: u64) -> Self {
        let mut secret = [0; SECRET_BYTES];
        let mut state = seed;
        for bytes in secret.chunks_exact_mut(8) {
            // SplitMix64.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.copy_from_slice(&(word ^ (word >> 31)).to_le_bytes());
        }
        Self { secret }
    }

    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u128 {
        XxHash3_128::oneshot_with_secret(&self.secret, bytes)
            .expect("the secret has as many bytes as the default one")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_tell_hashers_apart() {
        let (one, two) = (KeyHasher::new(1), KeyHasher::new(2));
        assert_eq!(one.hash(b"up"), KeyHasher::new(1).hash(b"up"));
        assert_ne!(one.hash(b"up"), two.hash(b"up"));
        assert_ne!(one.hash(b"up"), one.hash(b"uq"));
    }
}
