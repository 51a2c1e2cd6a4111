//! The ranking: which pairs are listed, and which rows stand beside another because they say nothing beyond it.

use super::{
    PERHAPS_MAX, ROWS_MAX,
    cell::{Counts, Effect, is_sure},
    pairs::Pairs,
    row::{Beside, Difference, Relation, Row, Term},
    single::{Single, place, sure},
};
use crate::bounds::Nats;

/// Two rows are the same when this share of the events that have either has both, inside and in all.
const SAME: f64 = 0.9;

/// A row is within another when this share of its events is.
const WITHIN: f64 = 0.95;

/// Of the separation of a row that is a part of another, the share that may be left among the other's events.
const LEFT_MAX: f64 = 0.2;

/// What a member of a pair must still tell, in bits, among the events that have the other.
const GAIN_MIN: f64 = 0.02;

/// `ln 1000`: how sure a row must be of itself, and a pair of what it adds to its members, to be worth a "perhaps".
const PERHAPS_SURE: Nats = 6.9;

/// Rows that are compared with each other.
const COMPARED_MAX: usize = 200;

/// A row that can lead, be the same as its leader and simpler than it, needs this share of its separation.
const AS_GOOD: f64 = 0.95;

/// A row in the making.
#[derive(Clone, Debug)]
struct Finding<'a> {
    members: Vec<&'a Single>,
    with: Counts,
    effect: Effect,
    is_certain: bool,
    /// What an event's mask must hold; 0 when a member has no bit.
    mask: u64,
    /// Fewer terms, then earlier keys: which of two rows that say the same is shown.
    rank: (usize, Vec<(usize, Box<str>)>),
    beside: Vec<(Finding<'a>, Relation)>,
}

pub(super) fn difference(pairs: &Pairs) -> Difference {
    let total = &pairs.counter.total;
    let singles: Vec<_> = pairs
        .survey
        .singles
        .iter()
        .filter(|single| single.is_certain || is_sure(&single.with, total, PERHAPS_SURE))
        .map(|single| finding(pairs, vec![single], single.with, single.is_certain))
        .collect();
    let (mut more, mut less): (Vec<_>, Vec<_>) =
        singles.into_iter().partition(|finding| finding.effect.difference > 0.0);
    let pairs_tested = add_pairs(pairs, &mut more);
    more.sort_by(order);
    less.retain(|finding| finding.is_certain);
    less.sort_by(order);
    less.truncate(ROWS_MAX);
    let (rows, mut perhaps): (Vec<_>, Vec<_>) =
        lead(more, &pairs.sample.masks()).into_iter().partition(|finding| finding.is_certain);
    perhaps.truncate(PERHAPS_MAX);
    let list = |findings: Vec<Finding<'_>>| findings.into_iter().map(|it| it.row(total)).collect();
    Difference {
        total: *total,
        rows: list(rows),
        perhaps: list(perhaps),
        rarer: list(less),
        set_aside: pairs.survey.set_aside.clone(),
        tested: pairs.survey.tested,
        pairs_tested,
        keys_left_out: pairs.counter.dictionary.refused,
    }
}

fn finding<'a>(
    pairs: &Pairs,
    members: Vec<&'a Single>,
    with: Counts,
    is_certain: bool,
) -> Finding<'a> {
    let effect = Effect::of(&with, &pairs.counter.total);
    let bits = members.iter().map(|single| single.bit).collect::<Option<Vec<_>>>();
    let mask = bits.map_or(0, |bits| bits.iter().fold(0, |mask, bit| mask | 1 << bit));
    let keys = members.iter().map(|single| place(&pairs.counter, single.key)).collect();
    let rank = (members.len(), keys);
    Finding { members, with, effect, is_certain, mask, rank, beside: Vec::new() }
}

/// Adds the pairs that separate better than their members; how many there were to test.
///
/// A pair is certain when it passes the test among all pairs that could have been picked, or when one member is certain
/// and what the other adds to it passes the test among all properties that could have been added to a certain one.
fn add_pairs<'a>(pairs: &'a Pairs, findings: &mut Vec<Finding<'a>>) -> usize {
    let total = &pairs.counter.total;
    let properties = pairs.survey.tested as f64;
    let certain = pairs.survey.singles.iter().filter(|single| single.is_certain).count() as f64;
    let (alone, added) = (sure(properties * properties / 2.0), sure(properties * certain));
    let mut candidates: Vec<_> =
        pairs.survey.singles.iter().filter_map(|single| Some((single, single.bit?))).collect();
    // A pair's terms stand in the order of preference.
    candidates.sort_by_cached_key(|(single, bit)| (place(&pairs.counter, single.key), *bit));
    let mut tested = 0;
    for (at, (one, one_bit)) in candidates.iter().enumerate() {
        for (other, other_bit) in &candidates[at + 1..] {
            if one.key == other.key {
                continue;
            }
            tested += 1;
            let members = [*one, *other];
            let both = pairs.matrix.both(*one_bit, *other_bit);
            let effect = Effect::of(both, total);
            let is_better = |member: &&Single| {
                effect.separation > member.effect.separation && gains(both, &member.with)
            };
            if effect.difference > 0.0 && members.iter().all(is_better) {
                let is_certain = is_sure(both, total, alone)
                    || members.iter().any(|it| it.is_certain && is_sure(both, &it.with, added));
                if is_certain || is_sure(both, total, PERHAPS_SURE) {
                    findings.push(finding(pairs, members.to_vec(), *both, is_certain));
                }
            }
        }
    }
    tested
}

/// Whether, among the events of one member, those that have both are clearly more frequent inside.
fn gains(both: &Counts, member: &Counts) -> bool {
    let effect = Effect::of(both, member);
    effect.difference > 0.0
        && effect.separation_low >= GAIN_MIN
        && is_sure(both, member, PERHAPS_SURE)
}

/// Certain ones and best ones first; no two findings are equal in it, whatever order the events came in.
fn order(a: &Finding<'_>, b: &Finding<'_>) -> std::cmp::Ordering {
    let name = |finding: &Finding<'_>| -> Vec<String> {
        finding.members.iter().map(|single| single.term.to_string()).collect()
    };
    (b.is_certain.cmp(&a.is_certain))
        .then_with(|| b.effect.separation_low.total_cmp(&a.effect.separation_low))
        .then_with(|| a.rank.cmp(&b.rank))
        .then_with(|| name(a).cmp(&name(b)))
}

/// Puts each finding beside the first one it says nothing beyond; those that lead, best first.
fn lead<'a>(findings: Vec<Finding<'a>>, masks: &[(u64, Counts)]) -> Vec<Finding<'a>> {
    let mut leaders: Vec<Finding<'a>> = Vec::new();
    for (at, finding) in findings.into_iter().enumerate() {
        let found = leaders
            .iter()
            .take(if at < COMPARED_MAX { ROWS_MAX } else { 0 })
            .enumerate()
            .find_map(|(at, leader)| Some((at, relation(&finding, leader, masks)?)));
        match found {
            Some((at, Relation::Same)) if is_better(&finding, &leaders[at]) => {
                let mut old = std::mem::replace(&mut leaders[at], finding);
                leaders[at].beside = std::mem::take(&mut old.beside);
                leaders[at].beside.insert(0, (old, Relation::Same));
            }
            Some((at, relation)) => leaders[at].beside.push((finding, relation)),
            None if leaders.len() < ROWS_MAX => leaders.push(finding),
            None => {}
        }
    }
    leaders
}

/// Whether a finding that says the same as its leader is the better one to show.
fn is_better(finding: &Finding<'_>, leader: &Finding<'_>) -> bool {
    finding.rank < leader.rank
        && finding.effect.separation_low >= AS_GOOD * leader.effect.separation_low
}

fn relation(
    finding: &Finding<'_>,
    leader: &Finding<'_>,
    masks: &[(u64, Counts)],
) -> Option<Relation> {
    if finding.mask == 0 || leader.mask == 0 {
        return None;
    }
    let [mut own, mut leaders, mut both] = [Counts::default(); 3];
    for (mask, counts) in masks {
        let is_own = mask & finding.mask == finding.mask;
        let is_leaders = mask & leader.mask == leader.mask;
        if is_own {
            own.add(counts);
        }
        if is_leaders {
            leaders.add(counts);
        }
        if is_own && is_leaders {
            both.add(counts);
        }
    }
    let alike = |both: f64, own: f64, leaders: f64| both >= SAME * (own + leaders - both);
    if alike(both.inside.weight, own.inside.weight, leaders.inside.weight)
        && alike(both.weight(), own.weight(), leaders.weight())
        && both.events() > 0
    {
        return Some(Relation::Same);
    }
    let is_within = both.weight() >= WITHIN * own.weight() && own.events() > 0;
    let left = Effect::of(&both, &leaders);
    let is_explained = left.difference < 0.0 || !is_sure(&both, &leaders, PERHAPS_SURE);
    (is_within && is_explained && left.separation <= LEFT_MAX * finding.effect.separation)
        .then_some(Relation::Part)
}

impl Finding<'_> {
    fn terms(&self) -> Vec<Term> {
        self.members.iter().map(|single| single.term.clone()).collect()
    }

    fn row(self, total: &Counts) -> Row {
        Row {
            terms: self.terms(),
            with: self.with,
            without: total.without(&self.with),
            share_inside: self.with.inside.share_of(&total.inside).value,
            share_outside: self.with.outside.share_of(&total.outside).value,
            difference_low: self.effect.difference_low,
            separation: self.effect.separation,
            separation_low: self.effect.separation_low,
            beside: self
                .beside
                .iter()
                .map(|(finding, relation)| Beside {
                    terms: finding.terms(),
                    with: finding.with,
                    relation: *relation,
                })
                .collect(),
        }
    }
}
