//! Merging: shapes that differ in a word that varies freely become one template.
//!
//! The rule looks at a set of shapes at once, so that no order of lines changes what comes out.

use std::collections::{BTreeMap, HashMap};

use super::{
    PLAIN_WORDS_MIN,
    kind::{Kind, MARK},
    template::{covers, stands_for},
    word::{Freedom, freedom, skeleton, sole, with_words, words},
};

/// Rounds of merging; each makes at least one word of a template a parameter.
const ROUNDS_MAX: usize = 32;

/// Words of a shape beyond which pairs of words are not tried.
const PAIR_WORDS_MAX: usize = 24;

/// Different pairs of names in two places, and different ones in each, from which both places are parameters.
const FREE_PAIRS_MIN: [usize; 2] = [3, 2];

/// The same where plain words are among them.
const PLAIN_PAIRS_MIN: [usize; 2] = [8, 4];

/// A template and the shapes it stands for, as places in what was given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cluster {
    pub(super) text: Box<[u8]>,
    pub(super) members: Vec<usize>,
}

/// Merges shapes, which must be different and in order.
pub(super) fn merge(shapes: &[&[u8]]) -> Vec<Cluster> {
    let mut groups: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
    for (at, shape) in shapes.iter().enumerate() {
        groups.entry(skeleton(shape)).or_default().push(at);
    }
    let mut clusters: Vec<Cluster> = groups
        .iter()
        .flat_map(|(skeleton, members)| Group::new(shapes, skeleton, members).run())
        .collect();
    clusters.sort_by(|a, b| a.text.cmp(&b.text));
    clusters
}

/// Shapes with the same skeleton.
struct Group<'a> {
    skeleton: &'a [u8],
    /// Every different word, by number; the first ones are [`ANY`] and [`LIST`].
    words: Vec<&'a [u8]>,
    freedoms: Vec<Freedom>,
    items: Vec<Item>,
}

#[derive(Clone, Debug)]
struct Item {
    words: Vec<u32>,
    members: Vec<usize>,
}

const ANY: u32 = 0;
const LIST: u32 = 1;
const ANY_WORD: &[u8] = &[MARK, Kind::Any as u8];
const LIST_WORD: &[u8] = &[MARK, Kind::List as u8];

impl<'a> Group<'a> {
    fn new(shapes: &[&'a [u8]], skeleton: &'a [u8], members: &[usize]) -> Self {
        let mut ids: HashMap<&[u8], u32> = HashMap::from([(ANY_WORD, ANY), (LIST_WORD, LIST)]);
        let mut all: Vec<&[u8]> = vec![ANY_WORD, LIST_WORD];
        let mut id = |word: &'a [u8]| {
            *ids.entry(word).or_insert_with(|| {
                all.push(word);
                u32::try_from(all.len() - 1).expect("words are within the limits of shapes")
            })
        };
        let items = members
            .iter()
            .map(|at| Item { words: words(shapes[*at]).map(&mut id).collect(), members: vec![*at] })
            .collect();
        let freedoms = all.iter().map(|word| freedom(word)).collect();
        Self { skeleton, words: all, freedoms, items }
    }

    fn run(mut self) -> Vec<Cluster> {
        for _ in 0..ROUNDS_MAX {
            if !self.round(1) && !self.round(2) {
                break;
            }
            self.absorb();
        }
        let text = |item: &Item| {
            with_words(self.skeleton, item.words.iter().map(|word| self.words[*word as usize]))
        };
        self.items
            .iter()
            .map(|item| Cluster { text: text(item), members: item.members.clone() })
            .collect()
    }

    /// Merges items that differ only in `open` places; whether any did.
    fn round(&mut self, open: usize) -> bool {
        let mut alike: HashMap<(usize, usize, u64), Vec<usize>> = HashMap::new();
        for (at, item) in self.items.iter().enumerate() {
            let sum = item
                .words
                .iter()
                .enumerate()
                .fold(0, |sum, (place, word)| mix(place, *word).wrapping_add(sum));
            let may_vary =
                |place: &usize| self.freedoms[item.words[*place] as usize] != Freedom::Fixed;
            let places: Vec<usize> = (0..item.words.len()).filter(may_vary).collect();
            for (index, one) in places.iter().enumerate() {
                let without = sum.wrapping_sub(mix(*one, item.words[*one]));
                if open == 1 {
                    alike.entry((*one, *one, without)).or_default().push(at);
                } else if places.len() <= PAIR_WORDS_MAX && self.items.len() >= FREE_PAIRS_MIN[0] {
                    for other in &places[index + 1..] {
                        let without = without.wrapping_sub(mix(*other, item.words[*other]));
                        alike.entry((*one, *other, without)).or_default().push(at);
                    }
                }
            }
        }
        let mut groups: Vec<_> = alike
            .into_iter()
            .filter(|((one, other, _), items)| self.may_merge(*one, *other, items))
            .map(|((one, other, _), items)| (items, one, other))
            .collect();
        groups.sort_by(|(a, a_one, a_other), (b, b_one, b_other)| {
            b.len().cmp(&a.len()).then_with(|| (a, a_one, a_other).cmp(&(b, b_one, b_other)))
        });
        let mut merged = vec![false; self.items.len()];
        let mut new = Vec::new();
        for (items, one, other) in groups {
            if items.iter().any(|at| merged[*at]) {
                continue;
            }
            items.iter().for_each(|at| merged[*at] = true);
            new.push(self.merged(&items, one, other));
        }
        let mut at = 0;
        self.items.retain(|_| {
            at += 1;
            !merged[at - 1]
        });
        let any = !new.is_empty();
        self.items.extend(new);
        self.items.sort_by(|a, b| a.words.cmp(&b.words));
        any
    }

    /// Whether the words of these items at the places (one, when they are equal) vary freely.
    fn may_merge(&self, one: usize, other: usize, items: &[usize]) -> bool {
        if items.len() < 2 || !self.leaves_enough(&self.items[items[0]].words, one, other) {
            return false;
        }
        let values = |place: usize| {
            let mut values: Vec<u32> =
                items.iter().map(|at| self.items[*at].words[place]).collect();
            values.sort_unstable();
            values.dedup();
            values
        };
        if one != other {
            let (firsts, seconds) = (values(one), values(other));
            let is_free = |word: &u32| self.freedoms[*word as usize] == Freedom::Free;
            let are_free = firsts.iter().chain(&seconds).all(is_free);
            let [pairs, each] = if are_free { FREE_PAIRS_MIN } else { PLAIN_PAIRS_MIN };
            return items.len() >= pairs && firsts.len() >= each && seconds.len() >= each;
        }
        let values = values(one);
        values.len() >= PLAIN_WORDS_MIN
            || values.iter().any(|word| self.freedoms[*word as usize] == Freedom::Free)
    }

    /// Whether a template still says something with these places open: one word, and half of its words not open.
    fn leaves_enough(&self, words: &[u32], one: usize, other: usize) -> bool {
        let is_open =
            |(place, word): &(usize, &u32)| *place == one || *place == other || **word == ANY;
        let open = words.iter().enumerate().filter(is_open).count();
        let says = |(place, word): (usize, &u32)| {
            !is_open(&(place, word)) && sole(self.words[*word as usize]).is_none()
        };
        open * 2 <= words.len() && words.iter().enumerate().any(says)
    }

    fn merged(&self, items: &[usize], one: usize, other: usize) -> Item {
        let mut words = self.items[items[0]].words.clone();
        for place in [one, other] {
            let is_number = |at: &usize| {
                stands_for(LIST_WORD, self.words[self.items[*at].words[place] as usize])
            };
            words[place] = if items.iter().all(is_number) { LIST } else { ANY };
        }
        let mut members: Vec<_> =
            items.iter().flat_map(|at| self.items[*at].members.clone()).collect();
        members.sort_unstable();
        Item { words, members }
    }

    /// Gives items that a more general one covers to it.
    fn absorb(&mut self) {
        let is_general = |item: &Item| item.words.iter().any(|word| *word == ANY || *word == LIST);
        let mut at = 0;
        while at < self.items.len() {
            let found = self.items.iter().enumerate().position(|(other, general)| {
                other != at && is_general(general) && self.covers(general, &self.items[at])
            });
            match found {
                Some(general) => {
                    let item = self.items.remove(at);
                    let general = &mut self.items[general - usize::from(general > at)];
                    general.members.extend(item.members);
                    general.members.sort_unstable();
                }
                None => at += 1,
            }
        }
    }

    fn covers(&self, general: &Item, item: &Item) -> bool {
        general.words.iter().zip(&item.words).all(|(general, word)| {
            general == word || stands_for(self.words[*general as usize], self.words[*word as usize])
        })
    }
}

/// Whether any of `texts` stands for a masked line; the one with the fewest open words, then the first.
pub(super) fn covering<'a>(texts: &'a [Box<[u8]>], line: &[u8]) -> Option<&'a [u8]> {
    let open = |text: &[u8]| words(text).filter(|word| sole(word) == Some(Kind::Any)).count();
    let covering = texts.iter().filter(|text| covers(text, line));
    covering.min_by_key(|text| open(text)).map(|text| &**text)
}

/// A number for a word in a place, of which sums tell sets of them apart.
fn mix(place: usize, word: u32) -> u64 {
    let key = (place as u64) << 32 | u64::from(word);
    let key =
        (key ^ (key >> 30)).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}
