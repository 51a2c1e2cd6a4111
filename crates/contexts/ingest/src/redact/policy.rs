//! What an installation wants hidden beyond, or other than, the built-in rules: plain types that the configuration fills.

use std::collections::BTreeMap;

/// Configured patterns and key rules, each.
pub const CONFIGURED_MAX: usize = 24;
/// Globs of keys, allowed ones and secret ones, each.
pub const KEYS_MAX: usize = 256;
/// Bytes of a configured regular expression.
pub const REGEX_BYTES_MAX: usize = 4 << 10;
/// Bytes that a configured regular expression may take when compiled; `\w{1000}` takes more.
pub const COMPILED_BYTES_MAX: usize = 1 << 20;
/// Bytes of a rule's name.
pub const NAME_BYTES_MAX: usize = 40;
/// Bytes of a token key's id.
pub const KEY_ID_BYTES_MAX: usize = 16;
/// The fewest bytes of a token key's secret.
pub const KEY_SECRET_BYTES_MIN: usize = 16;

/// What becomes of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Action {
    /// `[redacted:RULE]` in its place.
    #[default]
    Mask,
    /// The attribute, nested entry, array element or label goes; in a body or a name, which cannot go, the secret is masked.
    Drop,
    /// `[token:RULE:KEY:HEX]` in its place, where `HEX` is the beginning of the HMAC-SHA-256 of the secret under the key `KEY`: the same
    /// secret has the same token, and nobody without the key can check a guess.
    Token,
}

impl Action {
    /// The word that a configuration and a report use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mask => "mask",
            Self::Drop => "drop",
            Self::Token => "token",
        }
    }
}

/// How one rule differs from its default; what is `None` stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Setting {
    pub enabled: Option<bool>,
    pub action: Option<Action>,
    /// The rule reports what it would hide, and hides nothing.
    pub dry_run: bool,
}

/// Keys whose values are secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRule {
    /// The rule's name in masks, counts and reports.
    pub name: Box<str>,
    /// Whole keys without regard to case, `*` for any characters and `?` for one: of an attribute, or of a nested entry by its own key or by
    /// its dotted path. Written in a text, as in `KEY=value` or `"KEY": "value"`, the value is hidden too, if the key has three
    /// characters in a row that are no wildcard.
    pub keys: Vec<Box<str>>,
    pub setting: Setting,
}

/// A shape of secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternRule {
    /// The rule's name in masks, counts and reports.
    pub name: Box<str>,
    /// A regular expression of the `regex` crate; its first group is what is hidden, else all of it.
    pub regex: Box<str>,
    pub setting: Setting,
}

/// The key of tokens. When it is replaced its id must be too, so that nobody takes tokens of two keys for two secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// Letters and digits, shown in each token.
    pub id: Box<str>,
    /// At least [`KEY_SECRET_BYTES_MIN`] random bytes.
    pub secret: Box<[u8]>,
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// All of it. The default hides what the built-in rules find, with masks.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Policy {
    /// The action of each rule that says none.
    pub action: Action,
    /// Every rule reports what it would hide, and nothing is hidden.
    pub dry_run: bool,
    /// Built-in rules by name ([`crate::Redactor::built_in`]).
    pub rules: BTreeMap<Box<str>, Setting>,
    pub keys: Vec<KeyRule>,
    /// Keys, as in [`KeyRule::keys`], whose values are kept as they are, whatever is in them.
    pub allowed_keys: Vec<Box<str>>,
    pub patterns: Vec<PatternRule>,
    /// Needed where a rule's action is [`Action::Token`].
    pub token_key: Option<TokenKey>,
}

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PolicyError {
    #[error("there is no redaction rule `{name}`; there are {known}")]
    UnknownRule { name: Box<str>, known: String },
    #[error(
        "`{name}` cannot name a redaction rule: a name is a lowercase letter, then at most 39 lowercase letters, digits and `_`"
    )]
    Name { name: Box<str> },
    #[error("the redaction rule `{name}` is there already")]
    Taken { name: Box<str> },
    #[error("redaction rule `{name}` has no valid regular expression")]
    Regex {
        name: Box<str>,
        #[source]
        source: regex::Error,
    },
    #[error(
        "the regular expression of redaction rule `{name}` has {have} bytes; at most 4096 are allowed"
    )]
    RegexTooLong { name: Box<str>, have: usize },
    #[error("the regular expression of redaction rule `{name}` matches the empty text")]
    MatchesNothing { name: Box<str> },
    #[error("`{key}` cannot be a redacted or allowed key: it has no character that is no wildcard")]
    Key { key: Box<str> },
    #[error("there are {have} redaction {what}; at most {max} are allowed")]
    TooMany { what: &'static str, have: usize, max: usize },
    #[error("redaction rule `{name}` makes tokens, for which a token key is needed")]
    NoTokenKey { name: Box<str> },
    #[error("the id of the token key is not 1 to 16 ASCII letters and digits")]
    TokenKeyId,
    #[error("the token key has {have} bytes; at least 16 are needed")]
    TokenKeyShort { have: usize },
}
