//! Secrets never enter: values under telling keys and texts of telling shapes are masked, made tokens, or dropped before anything is stored.
//!
//! One Aho-Corasick pass finds which rules may match at all, so that a text without any costs a fraction of a microsecond. What is
//! hidden beyond the built-in rules, and how, is a [`Policy`]; what was found is counted by rule, place and key in [`Findings`].

mod card;
mod compile;
mod encoded;
mod findings;
mod glob;
mod key;
mod opaque;
mod placeholder;
pub mod policy;
mod rules;
mod text;
mod tree;

use aho_corasick::dfa::DFA;
use model::{Attributes, Value};

pub use self::{
    findings::{FINDINGS_MAX, Finding, Findings, Place},
    policy::{Action, KeyRule, PatternRule, Policy, PolicyError, Setting, TokenKey},
    tree::DEPTH_MAX,
};
use self::{
    findings::{Hits, Path},
    key::Keys,
    placeholder::Cover,
    rules::Rule,
};

/// Characters of a name from outside in the text of a refusal.
pub const SHOWN_CHARS_MAX: usize = 200;

/// A set of rules, a bit for each.
type Bits = u128;
/// Every rule.
const ALL: Bits = !HINTED;
/// Stands beside the rules of a text in which a word tells of a secret nearby.
const HINTED: Bits = 1 << 127;

/// The compiled rules; make one and share it.
#[derive(Debug)]
pub struct Redactor {
    rules: Vec<Rule>,
    /// Finds the triggers; most of the time is spent here, and the automaton is small.
    triggers: DFA,
    /// The rules of each trigger.
    owners: Vec<Bits>,
    /// The rules that need no trigger.
    always: Bits,
    /// The rules whose shape tells by itself.
    shapes: Bits,
    /// The rules that numbers are held against.
    numbers: Bits,
    /// The smallest of them.
    number_min: i64,
    /// The rules that only report, and whether all do.
    dry: Bits,
    all_dry: bool,
    /// The place of the rule for what looks random, if it is wanted.
    entropy: Option<usize>,
    keys: Keys,
    cover: Cover,
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new()
    }
}

impl Redactor {
    /// The built-in rules, with masks.
    pub fn new() -> Self {
        Self::with(&Policy::default()).expect("a test compiles the built-in rules")
    }

    /// The rules of a policy.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn with(policy: &Policy) -> Result<Self, Vec<PolicyError>> {
        compile::compile(policy)
    }

    /// Redacts a text in place.
    pub fn text(&self, text: &mut Box<str>, findings: &mut Findings) {
        self.part(text, ALL, findings);
    }

    /// Redacts a metric's name, family or unit: only tokens that tell by themselves, for `job:auth_token:rate5m` assigns
    /// nothing.
    pub fn name(&self, name: &mut Box<str>, findings: &mut Findings) {
        self.part(name, self.shapes, findings);
    }

    /// Redacts by the key, else by the value's shape, however deep it is nested.
    pub fn attributes(&self, attributes: &mut Attributes, findings: &mut Findings) {
        self.entries(attributes, None, (&Path::Root, 0), findings);
    }

    /// Redacts a log's body or any other value.
    pub fn value(&self, value: &mut Value, findings: &mut Findings) {
        self.scan(value, (&Path::Root, 0), findings);
    }

    /// Redacts a metric's label; one that has to go becomes empty, which is no label.
    pub fn label(&self, name: &mut Box<str>, value: &mut Box<str>, findings: &mut Findings) {
        let mut held = Value::String(std::mem::take(value));
        let keep = self.entry(name, &mut held, false, (&Path::Root, 0), findings);
        if let (true, Value::String(text)) = (keep, held) {
            *value = text;
        }
    }

    /// A name from outside as a refusal shows it: without secrets, and no longer than [`SHOWN_CHARS_MAX`].
    pub fn shown(&self, text: &str) -> String {
        let clean = self.settle(text, ALL, "", &mut Hits::default());
        let mut shown = clean.unwrap_or_else(|| text.to_owned());
        if let Some((end, _)) = shown.char_indices().nth(SHOWN_CHARS_MAX) {
            shown.truncate(end);
            shown.push('…');
        }
        shown
    }

    /// The names of the built-in rules, and whether each is on where a policy says nothing.
    pub fn built_in() -> Vec<(&'static str, bool)> {
        let rules = rules::built_in();
        let all = rules.iter().map(|rule| (rule.name, rule.enabled));
        std::iter::once((compile::KEY, true)).chain(all).collect()
    }

    fn part(&self, text: &mut Box<str>, rules: Bits, findings: &mut Findings) {
        self.under(text, rules, &Path::Root, findings);
    }

    /// Redacts a text that lies at `path`; false where what holds it has to go.
    fn under(
        &self,
        text: &mut Box<str>,
        rules: Bits,
        path: &Path<'_>,
        findings: &mut Findings,
    ) -> bool {
        let mut hits = Hits::default();
        if let Some(clean) = self.clean(text, rules, path.key(), &mut hits) {
            *text = clean.into();
        }
        self.note(&hits, path, findings)
    }

    /// Counts what was found; false where what holds it has to go.
    fn note(&self, hits: &Hits, path: &Path<'_>, findings: &mut Findings) -> bool {
        if hits.list.is_empty() {
            return true;
        }
        let key = path.text();
        let key = if is_usual(&key) { key } else { self.shown(&key).into() };
        findings.add(hits, &key);
        !hits.drops()
    }

    /// Redacts a key itself; the usual ones are passed over at once. False where the entry has to go.
    fn key(&self, key: &mut Box<str>, findings: &mut Findings) -> bool {
        is_usual(key) || self.under(key, ALL, &Path::Root, findings)
    }
}

/// Whether a key is of the characters that nearly all have, so that no rule has to look at it.
fn is_usual(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests;
