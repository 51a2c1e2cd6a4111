//! Single properties: every value, absence and range of the keys that are ranked.

use super::{
    FALSE_ALARM_RATE, aside,
    cell::{Counts, Effect, evidence_of_more, is_sure},
    count::Counter,
    dictionary::{Entry, Key, KeyId},
    range::Bins,
    row::{SetAside, Term},
};
use crate::bounds::Nats;

/// Candidates for pairs that one key may have.
const CANDIDATES_PER_KEY: usize = 6;

/// Candidates for pairs in all: the bits of a mask.
pub(super) const CANDIDATES_MAX: usize = 64;

/// Numbers of a key that are ranked one by one, beside their ranges.
const NUMBERS_AS_VALUES_MAX: usize = 64;

/// A property with its counts.
#[derive(Clone, Debug)]
pub(super) struct Single {
    pub(super) key: KeyId,
    pub(super) slots: Slots,
    pub(super) term: Term,
    pub(super) with: Counts,
    pub(super) effect: Effect,
    /// Whether it passed the test at the family-wise level.
    pub(super) is_certain: bool,
    /// Its bit in the masks of the second pass.
    pub(super) bit: Option<usize>,
}

/// The values of its key that have a property.
#[derive(Clone, Debug)]
pub(super) enum Slots {
    Missing,
    Values(Vec<usize>),
}

/// All single properties of what was counted.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) singles: Vec<Single>,
    pub(super) set_aside: Vec<SetAside>,
    pub(super) tested: usize,
}

/// A key that is ranked, before the level of the tests is known.
struct Ranked<'a> {
    id: KeyId,
    key: &'a Key,
    counts: &'a [Counts],
    missing: Counts,
    bins: Option<Bins>,
}

impl Survey {
    pub(super) fn of(counter: &Counter) -> Self {
        let mut set_aside = Vec::new();
        let mut ranked = Vec::new();
        for (key, counts) in counter.dictionary.keys.iter().zip(&counter.cells) {
            let id = counter.dictionary.find_key(&key.name).expect("a key is found by its name");
            if let Some(aside) = aside::judge(counter, id) {
                set_aside.push(aside);
                continue;
            }
            let missing = counter.total.without(&counter.present(id));
            // A key that is everywhere with one value separates nothing.
            if !(counts.len() < 2 && missing.events() == 0) {
                let bins = Bins::of(&key.values, counts);
                ranked.push(Ranked { id, key, counts, missing, bins });
            }
        }
        set_aside.sort_by(|a, b| a.key.cmp(&b.key));
        let tested = ranked.iter().map(Ranked::properties).sum();
        let sure = sure(tested as f64);
        let mut singles: Vec<_> =
            ranked.iter().flat_map(|key| key.singles(&counter.total, sure)).collect();
        choose(&mut singles, &counter.total, |single| place(counter, single.key));
        Self { singles, set_aside, tested }
    }
}

/// The nats each bound must have so that one of `tests` fails by chance at a third of [`FALSE_ALARM_RATE`]: one third is
/// for single properties, one for pairs and one for what a pair adds to a property; a test has two bounds and directions.
pub(super) fn sure(tests: f64) -> Nats {
    (12.0 * tests.max(1.0) / FALSE_ALARM_RATE).ln()
}

/// Orders keys: those the caller gave as given, then the others by name. No order of events changes it.
pub(super) fn place(counter: &Counter, key: KeyId) -> (usize, Box<str>) {
    let given = key.place().min(counter.preferred);
    (given, counter.dictionary.keys[key.place()].name.clone())
}

/// Gives the properties with the strongest evidence of being more frequent inside their bits.
fn choose<K: Ord>(singles: &mut [Single], total: &Counts, place: impl Fn(&Single) -> K) {
    let mut order: Vec<(f64, usize)> = singles
        .iter()
        .enumerate()
        .map(|(at, single)| (evidence_of_more(&single.with, total), at))
        .filter(|(evidence, _)| *evidence > 0.0)
        .collect();
    order.sort_by(|(a, a_at), (b, b_at)| {
        let name = |at: usize| (place(&singles[at]), singles[at].term.to_string());
        b.total_cmp(a).then_with(|| name(*a_at).cmp(&name(*b_at)))
    });
    let mut of_key = std::collections::BTreeMap::new();
    order.retain(|(_, at)| {
        let taken = of_key.entry(singles[*at].key).or_insert(0);
        *taken += 1;
        *taken <= CANDIDATES_PER_KEY
    });
    for (bit, (_, at)) in order.iter().take(CANDIDATES_MAX).enumerate() {
        singles[*at].bit = Some(bit);
    }
}

impl Ranked<'_> {
    fn has_values(&self) -> bool {
        self.bins.is_none() || self.counts.len() <= NUMBERS_AS_VALUES_MAX
    }

    fn properties(&self) -> usize {
        usize::from(self.missing.events() > 0)
            + if self.has_values() { self.counts.len() } else { 0 }
            + self.bins.as_ref().map_or(0, Bins::ranges)
    }

    fn singles(&self, total: &Counts, sure: Nats) -> Vec<Single> {
        let mut singles = Vec::new();
        let mut push = |slots, term, with: Counts| {
            let effect = Effect::of(&with, total);
            let is_certain = is_sure(&with, total, sure);
            singles.push(Single { key: self.id, slots, term, with, effect, is_certain, bit: None });
        };
        if self.missing.events() > 0 {
            push(Slots::Missing, Term::Missing { key: self.key.name.clone() }, self.missing);
        }
        if self.has_values() {
            for (at, (entry, with)) in self.key.values.iter().zip(self.counts).enumerate() {
                push(Slots::Values(vec![at]), self.term(entry), *with);
            }
        }
        for more in [true, false] {
            let best = self.bins.as_ref().and_then(|bins| Some((bins, bins.best(more, total)?)));
            if let Some((bins, (range, with))) = best {
                let (from, to) = bins.ends(range, &self.key.values);
                let term = Term::Range { key: self.key.name.clone(), from, to };
                push(Slots::Values(bins.values(range).to_vec()), term, with);
            }
        }
        singles
    }

    fn term(&self, entry: &Entry) -> Term {
        let key = self.key.name.clone();
        match entry {
            Entry::Text(text) => Term::Value { key, value: text.clone() },
            Entry::Number { least, most } if least == most => {
                Term::Value { key, value: least.to_string().into() }
            }
            Entry::Number { least, most } => {
                Term::Range { key, from: Some(*least), to: Some(*most) }
            }
        }
    }
}
