//! Which series pass matchers.
//!
//! A matcher that refuses the empty value asks for series: those of the pairs that pass. One that accepts it, and so a
//! missing label, refuses series: those of the pairs that do not pass.

use std::{collections::HashMap, sync::Arc};

use model::{MatchOp, Matcher};
use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;

use super::{
    pattern::{Begins, begins},
    registry::Registry,
};
use crate::symbols::{NameId, Pair, PairId};

/// How many expressions are remembered, and how many pairs with them.
const EXPRESSIONS_MAX: usize = 512;
const PAIRS_MAX: usize = 1 << 21;
/// More candidates than this are matched while no lock is held.
const UNDER_LOCK_MAX: usize = 2_048;
/// Shared texts of an expression and its label's name.
type Key = (Box<str>, Box<str>);

/// The pairs that expressions matched.
#[derive(Debug, Default)]
pub(super) struct Cache {
    found: HashMap<Key, Arc<Found>>,
    pairs: usize,
}

/// What an expression matched among the pairs that there were.
#[derive(Debug, Default)]
struct Found {
    /// Pairs born later were not looked at.
    born: u64,
    /// With their births: a pair's number is used again.
    pairs: Vec<(PairId, u64)>,
}

impl Cache {
    fn get(&self, matcher: &Matcher) -> Arc<Found> {
        self.found.get(&key(matcher)).cloned().unwrap_or_default()
    }

    fn put(&mut self, matcher: &Matcher, found: Arc<Found>) {
        if self.found.len() >= EXPRESSIONS_MAX || self.pairs + found.pairs.len() > PAIRS_MAX {
            self.found.clear();
            self.pairs = 0;
        }
        self.pairs += found.pairs.len();
        if let Some(old) = self.found.insert(key(matcher), found) {
            self.pairs -= old.pairs.len();
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.pairs * size_of::<(PairId, u64)>() + self.found.len() * 128
    }
}

fn is_regex(matcher: &Matcher) -> bool {
    matches!(matcher.op(), MatchOp::Regex | MatchOp::NotRegex)
}

fn key(matcher: &Matcher) -> Key {
    (matcher.name().into(), matcher.value().into())
}

pub(super) fn select(
    registry: &RwLock<Registry>,
    cache: &Mutex<Cache>,
    matchers: &[Matcher],
) -> RoaringBitmap {
    let expressions: Vec<(&Matcher, Arc<Found>)> = matchers
        .iter()
        .filter(|matcher| is_regex(matcher))
        .map(|matcher| (matcher, learn(registry, cache, matcher)))
        .collect();
    let registry = registry.read();
    let mut parts: Vec<Part> = Vec::with_capacity(matchers.len());
    let mut expressions = expressions.iter();
    for matcher in matchers {
        let found = if is_regex(matcher) { expressions.next() } else { None };
        let part = Part::of(&registry, matcher, found.map(|(_, found)| &**found));
        if part.asks && part.series == 0 {
            return RoaringBitmap::new();
        }
        parts.push(part);
    }
    combine(&registry, parts)
}

/// The series of some pairs, asked for or refused.
struct Part {
    asks: bool,
    pairs: Vec<PairId>,
    /// All series that have the label at all, instead of pairs.
    name: Option<NameId>,
    series: u64,
}

impl Part {
    fn of(registry: &Registry, matcher: &Matcher, found: Option<&Found>) -> Self {
        let asks = !matcher.matches("");
        let mut part = Self { asks, pairs: Vec::new(), name: None, series: 0 };
        let Some(name) = registry.symbols.name_id(matcher.name()) else { return part };
        if matcher.value() == ".*" && is_regex(matcher) {
            return part;
        }
        if matcher.value() == if is_regex(matcher) { ".+" } else { "" } {
            part.name = Some(name);
            part.series = registry.with_name(name).len();
            return part;
        }
        part.pairs = match (matcher.op(), found) {
            (MatchOp::Equal | MatchOp::NotEqual, _) => {
                registry.symbols.pair_id(name, matcher.value()).into_iter().collect()
            }
            (MatchOp::Regex | MatchOp::NotRegex, found) => {
                let positive = matcher.op() == MatchOp::Regex;
                let matched = expand(registry, name, matcher, found);
                // An expression's own pairs serve where it asks with them or refuses with them, else all others do.
                if positive == asks { matched } else { others(registry, name, matched) }
            }
        };
        part.series = part.pairs.iter().map(|pair| registry.with_pair(*pair).len()).sum();
        part
    }

    fn add_to(&self, registry: &Registry, set: &mut RoaringBitmap) {
        if let Some(name) = self.name {
            registry.with_name(name).add_to(set);
        }
        self.pairs.iter().for_each(|pair| registry.with_pair(*pair).add_to(set));
    }

    fn keep_in(&self, registry: &Registry, set: &mut RoaringBitmap) {
        match (self.name, &self.pairs[..]) {
            (Some(name), _) => registry.with_name(name).keep_in(set),
            (None, [pair]) => registry.with_pair(*pair).keep_in(set),
            (None, _) => {
                let mut own = RoaringBitmap::new();
                self.add_to(registry, &mut own);
                *set &= own;
            }
        }
    }
}

fn combine(registry: &Registry, mut parts: Vec<Part>) -> RoaringBitmap {
    parts.sort_by_key(|part| (!part.asks, part.series));
    let mut set = RoaringBitmap::new();
    let mut parts = parts.iter();
    let mut rest = parts.clone();
    match parts.next().filter(|part| part.asks) {
        Some(part) => {
            part.add_to(registry, &mut set);
            rest = parts;
        }
        None => registry.all().add_to(&mut set),
    }
    for part in rest {
        if set.is_empty() {
            break;
        }
        if part.asks {
            part.keep_in(registry, &mut set);
        } else {
            let mut refused = RoaringBitmap::new();
            part.add_to(registry, &mut refused);
            set -= refused;
        }
    }
    set
}

/// Runs an expression on the values that it has not seen; most of them while no lock is held.
fn learn(registry: &RwLock<Registry>, cache: &Mutex<Cache>, matcher: &Matcher) -> Arc<Found> {
    let begins = begins(matcher.value());
    // These need no run over the values.
    if matches!(begins, Begins::Exactly(_)) || matches!(matcher.value(), ".*" | ".+") {
        return Arc::default();
    }
    let known = cache.lock().get(matcher);
    let guard = registry.read();
    let Some(name) = guard.symbols.name_id(matcher.name()) else { return known };
    let born = guard.symbols.born();
    if known.born == born {
        return known;
    }
    let mut fresh: Vec<(PairId, u64, Arc<str>)> = Vec::new();
    candidates(&guard, name, &begins, &mut |id, pair| {
        if pair.born > known.born {
            fresh.push((id, pair.born, Arc::clone(&pair.value)));
        }
    });
    let alive = |(id, born): &&(PairId, u64)| {
        guard.symbols.pair(*id).is_some_and(|pair| pair.born == *born)
    };
    let mut pairs: Vec<(PairId, u64)> = known.pairs.iter().filter(alive).copied().collect();
    if fresh.len() > UNDER_LOCK_MAX {
        drop(guard);
    }
    let matched = fresh.iter().filter(|(_, _, value)| passes(matcher, value));
    pairs.extend(matched.map(|(id, born, _)| (*id, *born)));
    let found = Arc::new(Found { born, pairs });
    cache.lock().put(matcher, Arc::clone(&found));
    found
}

/// The pairs of a name that an expression matches now.
fn expand(
    registry: &Registry,
    name: NameId,
    matcher: &Matcher,
    found: Option<&Found>,
) -> Vec<PairId> {
    let begins = begins(matcher.value());
    let mut pairs = Vec::new();
    if let Begins::Exactly(values) = &begins {
        let known = values.iter().filter(|value| passes(matcher, value));
        pairs.extend(known.filter_map(|value| registry.symbols.pair_id(name, value)));
        return pairs;
    }
    let mut seen = 0;
    if let Some(found) = found {
        seen = found.born;
        let alive = |(id, born): &&(PairId, u64)| {
            registry.symbols.pair(*id).is_some_and(|pair| pair.born == *born)
        };
        pairs.extend(found.pairs.iter().filter(alive).map(|(id, _)| *id));
    }
    // Those that came since the expression was learnt.
    if seen < registry.symbols.born() {
        candidates(registry, name, &begins, &mut |id, pair| {
            if pair.born > seen && passes(matcher, &pair.value) {
                pairs.push(id);
            }
        });
    }
    pairs
}

fn candidates(
    registry: &Registry,
    name: NameId,
    begins: &Begins,
    each: &mut dyn FnMut(PairId, &Pair),
) {
    let prefixes = match begins {
        Begins::With(prefixes) => &prefixes[..],
        Begins::Exactly(_) | Begins::Anyhow => &[String::new()],
    };
    for prefix in prefixes {
        registry.symbols.with_prefix(name, prefix).for_each(|(id, pair)| each(id, pair));
    }
}

fn others(registry: &Registry, name: NameId, mut pairs: Vec<PairId>) -> Vec<PairId> {
    pairs.sort_unstable();
    let all = registry.symbols.with_prefix(name, "").map(|(id, _)| id);
    all.filter(|id| pairs.binary_search(id).is_err()).collect()
}

/// Whether the expression matches, be it asked for or refused.
fn passes(matcher: &Matcher, value: &str) -> bool {
    matcher.matches(value) == (matcher.op() == MatchOp::Regex)
}
