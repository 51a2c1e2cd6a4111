//! The order in which parts keep series, so that neighbours are alike.

use std::{cmp::Ordering, collections::HashMap, hash::BuildHasherDefault};

use roaring::RoaringBitmap;

use super::{SeriesId, registry::Registry};
use crate::{
    codec::Role,
    symbols::{PairId, Symbols},
};

/// When more than one in so many series is new, all are sorted again.
const NEW_SHARE: usize = 32;

/// All series in order, as far as they are known here.
#[derive(Debug, Default)]
pub(super) struct Order {
    sorted: Vec<SeriesId>,
    known: RoaringBitmap,
}

impl Order {
    pub(super) fn forget(&mut self, ids: &RoaringBitmap) {
        if self.known.is_disjoint(ids) {
            return;
        }
        self.known -= ids;
        self.sorted.retain(|id| !ids.contains(*id));
    }

    pub(super) fn arrange(
        &mut self,
        registry: &Registry,
        ids: &RoaringBitmap,
    ) -> Vec<(SeriesId, Role)> {
        let fresh = ids - &self.known;
        if !fresh.is_empty() {
            self.enter(registry, &fresh);
        }
        let mut wanted = vec![0u64; self.sorted.len().max(registry.end() as usize).div_ceil(64)];
        for id in ids {
            if let Some(word) = wanted.get_mut(id as usize / 64) {
                *word |= 1 << (id % 64);
            }
        }
        let is_wanted = |id: &&SeriesId| {
            wanted.get(**id as usize / 64).is_some_and(|word| word >> (**id % 64) & 1 > 0)
        };
        let mut roles = Roles::default();
        let wanted = self.sorted.iter().filter(is_wanted);
        wanted.map(|id| (*id, roles.of(registry, *id))).collect()
    }

    fn enter(&mut self, registry: &Registry, fresh: &RoaringBitmap) {
        let mut fresh: Vec<SeriesId> = fresh.iter().filter(|id| registry.contains(*id)).collect();
        self.known.extend(fresh.iter().copied());
        if fresh.len() > self.sorted.len() / NEW_SHARE {
            self.sorted.append(&mut fresh);
            sort_all(registry, &mut self.sorted);
            return;
        }
        fresh.sort_by(|a, b| compare(registry, *a, *b));
        let mut merged = Vec::with_capacity(self.sorted.len() + fresh.len());
        let mut rest = &self.sorted[..];
        for id in fresh {
            let before = rest.partition_point(|other| compare(registry, *other, id).is_lt());
            let (head, tail) = rest.split_at(before);
            merged.extend_from_slice(head);
            merged.push(id);
            rest = tail;
        }
        merged.extend_from_slice(rest);
        self.sorted = merged;
    }

    pub(super) fn memory(&self) -> usize {
        self.sorted.capacity() * size_of::<SeriesId>()
            + usize::try_from(self.known.len() / 8).unwrap_or(usize::MAX)
    }
}

/// What kind of a metric's series a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Bucket,
    Count,
    Sum,
    Other,
}

/// A metric's name without what tells a histogram's series apart.
fn family(name: &str) -> (&str, Kind) {
    let kinds = [("_bucket", Kind::Bucket), ("_count", Kind::Count), ("_sum", Kind::Sum)];
    let found = kinds.iter().find_map(|(suffix, kind)| Some((name.strip_suffix(suffix)?, *kind)));
    found.unwrap_or((name, Kind::Other))
}

/// The upper bound that `le` says, the greatest first.
fn bound_key(le: &str) -> u64 {
    let bound: f64 = le.parse().unwrap_or(f64::NAN);
    let bits = bound.to_bits();
    // Turned so that greater floats have smaller keys.
    if bits >> 63 > 0 { bits } else { !(bits | 1 << 63) }
}

/// What series are sorted by: family, other labels, kind, bound, and the name for what is alike in all.
fn compare(registry: &Registry, a: SeriesId, b: SeriesId) -> Ordering {
    let symbols = &registry.symbols;
    let named = |id| {
        let (mut name, mut le) = ("", "");
        for pair in registry.pairs(id) {
            match symbols.texts(pair) {
                ("__name__", value) => name = value,
                ("le", value) => le = value,
                _ => {}
            }
        }
        (name, le)
    };
    let rest = |id| {
        let texts = registry.pairs(id).map(|pair| symbols.texts(pair));
        texts.filter(|(name, _)| !matches!(*name, "__name__" | "le"))
    };
    let ((name_a, le_a), (name_b, le_b)) = (named(a), named(b));
    let ((family_a, kind_a), (family_b, kind_b)) = (family(name_a), family(name_b));
    family_a
        .cmp(family_b)
        .then_with(|| rest(a).cmp(rest(b)))
        .then(kind_a.cmp(&kind_b))
        .then_with(|| bound_key(le_a).cmp(&bound_key(le_b)))
        .then_with(|| le_a.cmp(le_b))
}

/// Sorts many by the ranks of their pairs, which is the same order as [`compare`]'s.
fn sort_all(registry: &Registry, ids: &mut [SeriesId]) {
    let symbols = &registry.symbols;
    let ranks = ranks(symbols);
    let rank = |pair: PairId| ranks.get(pair as usize).copied().unwrap_or_default();
    let families = families(symbols);
    let (mut keys, mut places) = (Vec::new(), Vec::with_capacity(ids.len()));
    for &id in &*ids {
        let from = keys.len();
        keys.push(0);
        let (mut own, mut le) = ((0, Kind::Other), 0);
        for pair in registry.pairs(id) {
            match symbols.texts(pair).0 {
                "__name__" => own = families.get(&pair).copied().unwrap_or(own),
                "le" => le = rank(pair) + 1,
                _ => keys.push(rank(pair) + 1),
            }
        }
        keys[from] = own.0;
        // Below every rank: fewer labels come first.
        keys.extend([0, own.1 as u32, le]);
        places.push((from, keys.len(), id));
    }
    places.sort_unstable_by(|a, b| keys[a.0..a.1].cmp(&keys[b.0..b.1]));
    ids.iter_mut().zip(&places).for_each(|(id, place)| *id = place.2);
}

/// Each pair's place among all by name and value; those of `le` by their bounds.
fn ranks(symbols: &Symbols) -> Vec<u32> {
    let mut pairs: Vec<PairId> = symbols.pairs().map(|(id, _)| id).collect();
    pairs.sort_unstable_by(|a, b| {
        let (a, b) = (symbols.texts(*a), symbols.texts(*b));
        if a.0 == "le" && b.0 == "le" {
            return bound_key(a.1).cmp(&bound_key(b.1)).then(a.1.cmp(b.1));
        }
        a.cmp(&b)
    });
    let mut ranks = vec![0; symbols.pairs_end()];
    (0..).zip(pairs).for_each(|(rank, pair)| ranks[pair as usize] = rank);
    ranks
}

type Families = HashMap<PairId, (u32, Kind), BuildHasherDefault<std::hash::DefaultHasher>>;

/// For each metric's name the rank of its family, from 1, and its kind.
fn families(symbols: &Symbols) -> Families {
    let Some(name) = symbols.name_id("__name__") else { return Families::default() };
    let pairs = symbols.with_prefix(name, "");
    let mut pairs: Vec<_> = pairs.map(|(id, pair)| (family(&pair.value), id)).collect();
    pairs.sort_unstable();
    let mut families = Families::default();
    let (mut rank, mut last) = (0, None);
    for ((family, kind), id) in pairs {
        if last != Some(family) {
            rank += 1;
            last = Some(family);
        }
        families.insert(id, (rank, kind));
    }
    families
}

/// What series are to their neighbours; most series in a row have one name.
#[derive(Debug, Default)]
struct Roles {
    names: HashMap<PairId, Option<Kind>, BuildHasherDefault<std::hash::DefaultHasher>>,
    infinite: HashMap<PairId, bool, BuildHasherDefault<std::hash::DefaultHasher>>,
    last: Option<(PairId, Option<Kind>)>,
}

impl Roles {
    fn of(&mut self, registry: &Registry, id: SeriesId) -> Role {
        let symbols = &registry.symbols;
        let mut kind = None;
        for pair in registry.pairs(id) {
            if let Some((last, known)) = self.last
                && last == pair
            {
                kind = known;
                break;
            }
            let known = *self.names.entry(pair).or_insert_with(|| {
                let (name, value) = symbols.texts(pair);
                (name == "__name__").then(|| family(value).1)
            });
            if known.is_some() {
                self.last = Some((pair, known));
                kind = known;
                break;
            }
        }
        match kind {
            Some(Kind::Bucket) => {}
            Some(Kind::Count) => return Role::Member,
            Some(Kind::Sum | Kind::Other) | None => return Role::Plain,
        }
        let infinite = registry.pairs(id).any(|pair| {
            *self.infinite.entry(pair).or_insert_with(|| {
                let (name, value) = symbols.texts(pair);
                name == "le" && value.parse() == Ok(f64::INFINITY)
            })
        });
        if infinite { Role::Lead } else { Role::Member }
    }
}
