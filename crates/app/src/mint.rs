//! New ids. Deciders have no randomness: whoever makes a command mints the ids that it carries.

use std::fmt;

use model::{Id, Timestamp};

/// Gives ids that sort by time and are otherwise random, or in a simulation come from a seed.
pub struct Mint(Box<dyn FnMut() -> u128 + Send>);

impl Mint {
    /// Ids from the operating system's randomness.
    pub fn system() -> Self {
        Self(Box::new(|| {
            let mut random = [0; 16];
            getrandom::fill(&mut random)
                .expect("the operating system gives random bytes once it has booted");
            u128::from_le_bytes(random)
        }))
    }

    /// Ids from `random`, such as a seeded generator.
    pub fn from_fn(random: impl FnMut() -> u128 + Send + 'static) -> Self {
        Self(Box::new(random))
    }

    pub fn id<K>(&mut self, now: Timestamp) -> Id<K> {
        Id::from_parts(u64::try_from(now.as_millis()).unwrap_or(0), (self.0)())
    }
}

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mint")
    }
}
