//! What comes out: rows with their counts, what was set aside, and sentences for the reader.

use std::fmt;

use model::Quoted;

use super::{NOTABLE_SEPARATION, cell::Counts};

/// A property that an event has or has not.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    Value {
        key: Box<str>,
        value: Box<str>,
    },
    Missing {
        key: Box<str>,
    },
    /// A number from the least to the greatest that was seen in the range, both included; an end that is `None` is open.
    Range {
        key: Box<str>,
        from: Option<f64>,
        to: Option<f64>,
    },
}

impl Term {
    pub fn key(&self) -> &str {
        match self {
            Self::Value { key, .. } | Self::Missing { key } | Self::Range { key, .. } => key,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { key, value } => {
                let is_plain = |char: char| char.is_alphanumeric() || "-_./:@+*%~#$".contains(char);
                if !value.is_empty() && value.chars().all(is_plain) {
                    write!(f, "{key}={value}")
                } else {
                    write!(f, "{key}={}", Quoted(value))
                }
            }
            Self::Missing { key } => write!(f, "no {key}"),
            Self::Range { key, from: Some(from), to: Some(to) } => {
                write!(f, "{key} {from} to {to}")
            }
            Self::Range { key, from: Some(from), to: None } => write!(f, "{key} ≥ {from}"),
            Self::Range { key, from: None, to: Some(to) } => write!(f, "{key} ≤ {to}"),
            Self::Range { key, from: None, to: None } => write!(f, "{key} is a number"),
        }
    }
}

/// One finding: an event has all of `terms`.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// One, or two for a pair.
    pub terms: Vec<Term>,
    pub with: Counts,
    pub without: Counts,
    /// The share of the selection that has the terms, from adjusted counts.
    pub share_inside: f64,
    /// The share of the rest that has the terms.
    pub share_outside: f64,
    /// The difference of the shares, inside less outside, at their worse 95 % bounds.
    pub difference_low: f64,
    /// In bits: how much knowing the terms tells about the side, were both equally likely; 0 nothing, 1 all.
    pub separation: f64,
    /// The same with both shares at their worse 95 % bounds: what rows are ranked by.
    pub separation_low: f64,
    /// Other properties that say the same or a part of it.
    pub beside: Vec<Beside>,
}

/// A property that is shown beside a row because it says nothing beyond it.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    pub terms: Vec<Term>,
    pub with: Counts,
    pub relation: Relation,
}

/// How a property beside a row relates to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Nearly the same events have it.
    Same,
    /// Nearly all events that have it have the row's terms too, and among these it separates nothing.
    Part,
}

/// A key that was not ranked.
#[derive(Clone, Debug, PartialEq)]
pub struct SetAside {
    pub key: Box<str>,
    pub reason: Reason,
    /// Different values seen.
    pub values: usize,
    /// Whether there were more values than were counted.
    pub at_least: bool,
    /// Events that have the key.
    pub events: u64,
}

/// Why a key was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its values look like identifiers.
    Identifier,
    /// Its values are times.
    Timestamp,
    /// Its values come fewer than twice each.
    NearlyUnique,
    /// It has more values than are counted.
    TooManyValues,
}

/// What separates a selection from the rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// All events.
    pub total: Counts,
    /// What the selection has more of, best separation first.
    pub rows: Vec<Row>,
    /// The next best, which could be chance among so many properties; they rank after all of `rows`.
    pub perhaps: Vec<Row>,
    /// What the selection has less of, best separation first; single properties only.
    pub rarer: Vec<Row>,
    /// Keys that are never ranked, by name.
    pub set_aside: Vec<SetAside>,
    /// Single properties that were tested.
    pub tested: usize,
    /// Pairs that were counted.
    pub pairs_tested: usize,
    /// Attributes that were not looked at because there were too many keys.
    pub keys_left_out: u64,
}

impl Row {
    /// Whether the row separates enough to be worth a reader's time, and not only more than chance would.
    pub fn is_notable(&self) -> bool {
        self.separation_low >= NOTABLE_SEPARATION
    }

    /// The terms, joined by `and`.
    pub fn name(&self) -> String {
        name(&self.terms)
    }

    /// Such as `version=2.4.1 and region=eu-west: 97 % of the selection, 2 % of the rest`.
    pub fn sentence(&self) -> String {
        let [inside, outside] = [self.share_inside, self.share_outside].map(percent);
        format!("{}: {inside} of the selection, {outside} of the rest", self.name())
    }
}

impl Beside {
    /// The terms, joined by `and`.
    pub fn name(&self) -> String {
        name(&self.terms)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identifier => "identifiers",
            Self::Timestamp => "times",
            Self::NearlyUnique => "nearly every event has a value of its own",
            Self::TooManyValues => "too many different values",
        })
    }
}

fn name(terms: &[Term]) -> String {
    terms.iter().map(Term::to_string).collect::<Vec<_>>().join(" and ")
}

/// Whole percents, tenths below one; what is not all is never `100 %`, what is not nothing never `0 %`.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if share <= 0.0 {
        "0 %".to_owned()
    } else if percent < 0.1 {
        "<0.1 %".to_owned()
    } else if percent < 0.95 {
        format!("{percent:.1} %")
    } else if share < 1.0 && percent >= 99.5 {
        ">99 %".to_owned()
    } else {
        format!("{percent:.0} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_never_claim_all_or_nothing() {
        for (share, text) in [
            (0.0, "0 %"),
            (0.000_01, "<0.1 %"),
            (0.004, "0.4 %"),
            (0.0096, "1 %"),
            (0.024, "2 %"),
            (0.97, "97 %"),
            (0.999, ">99 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn terms_read_well() {
        let key: Box<str> = "k".into();
        let value = |value: &str| Term::Value { key: key.clone(), value: value.into() }.to_string();
        assert_eq!(value("eu-west"), "k=eu-west");
        assert_eq!(value("GET /cart"), "k=\"GET /cart\"");
        assert_eq!(value(""), "k=\"\"");
        let range = |from, to| Term::Range { key: key.clone(), from, to }.to_string();
        assert_eq!(range(Some(65_536.0), None), "k ≥ 65536");
        assert_eq!(range(None, Some(0.5)), "k ≤ 0.5");
        assert_eq!(range(Some(1.0), Some(2.0)), "k 1 to 2");
        assert_eq!(Term::Missing { key }.to_string(), "no k");
    }
}
