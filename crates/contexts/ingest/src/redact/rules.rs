//! Shapes of secrets. Each rule has literal triggers, so that its pattern runs only on texts that hold one.

mod personal;
pub(super) mod value;
mod vendors;

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use regex::Regex;

use self::value::{any, is_basic, is_no_count, is_opaque, is_value};
use super::{
    card, placeholder,
    policy::{Action, Setting},
};

/// A rule that finds secrets in texts.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    /// None: it runs on every text.
    pub(super) triggers: Vec<Box<str>>,
    pub(super) shape: Shape,
    pub(super) kind: Kind,
    pub(super) enabled: bool,
    pub(super) action: Action,
    pub(super) dry_run: bool,
}

/// What a rule goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The secret tells by itself; such rules are applied to names of metrics too.
    Whole,
    /// A telling name or sign stands before the secret.
    Named,
    /// It says something of a person.
    Personal,
    /// The installation's own pattern.
    Own,
}

#[derive(Debug)]
pub(super) enum Shape {
    Pattern {
        pattern: LazyLock<Pattern, Box<dyn FnOnce() -> Pattern + Send + Sync>>,
        /// Says no to what has the shape but is no secret.
        accept: Accept,
    },
    Card,
    /// Found by [`super::opaque`].
    Entropy,
}

/// What its group matches (or all, where that has no part) is the secret, unless the group `no` matches too.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    group: usize,
    no: Option<usize>,
}

type Accept = fn(&Candidate<'_>) -> bool;

/// What a pattern matched.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    text: &'a str,
    range: Range<usize>,
}

impl<'a> Candidate<'a> {
    pub(super) fn secret(&self) -> &'a str {
        self.text.get(self.range.clone()).unwrap_or_default()
    }

    /// The bytes that stand before and after it.
    fn around(&self) -> (&'a [u8], &'a [u8]) {
        let bytes = self.text.as_bytes();
        (
            bytes.get(..self.range.start).unwrap_or_default(),
            bytes.get(self.range.end..).unwrap_or_default(),
        )
    }
}

impl Rule {
    /// Where the text has secrets, in order; what has been hidden already is none.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = match &self.shape {
            Shape::Card => card::find(text),
            Shape::Entropy => Vec::new(),
            Shape::Pattern { pattern, accept } => {
                let Pattern { regex, group, no } = &**pattern;
                // Captures cost more than a search, and most texts that hold a trigger have none.
                let Some(first) = regex.find(text).map(|found| found.start()) else {
                    return Vec::new();
                };
                let mut found = Vec::new();
                let mut at = first;
                while let Some(captures) = regex.captures_at(text, at) {
                    let whole = captures.get_match();
                    at = whole.end();
                    if whole.is_empty() {
                        let Some(next) = text.get(at..).and_then(|rest| rest.chars().next()) else {
                            break;
                        };
                        at += next.len_utf8();
                        continue;
                    }
                    let range = captures.get(*group).unwrap_or(whole).range();
                    let refused = no.is_some_and(|no| captures.get(no).is_some());
                    if !refused && accept(&Candidate { text, range: range.clone() }) {
                        found.push(range);
                    }
                }
                found
            }
        };
        found.retain(|range| !placeholder::covers(text, range));
        found
    }

    fn new(name: &'static str, triggers: &[&str], kind: Kind, shape: Shape) -> Self {
        let triggers = triggers.iter().map(|trigger| (*trigger).into()).collect();
        let (enabled, action) = (kind != Kind::Personal, Action::Mask);
        Self { name, triggers, shape, kind, enabled, action, dry_run: false }
    }

    /// An installation's own pattern, of which the first group is the secret, if there is one.
    pub(super) fn own(name: &'static str, regex: Regex) -> Self {
        let group = usize::from(regex.captures_len() > 1);
        let pattern = Pattern { regex, group, no: None };
        Self::new(name, &[], Kind::Own, lazy(|| pattern, |found| !found.secret().is_empty()))
    }

    /// What follows one of an installation's own keys in a text.
    ///
    /// # Errors
    /// When they are too many or too long together.
    pub(super) fn own_keys(
        name: &'static str,
        triggers: Vec<Box<str>>,
        keys: &[String],
    ) -> Result<Self, regex::Error> {
        let keys = keys.join("|");
        let pattern =
            format!(r#"(?i)(?:^|[^A-Za-z0-9_])(?:{keys})\\*["'`]?\s*(?:=>?|:=?)\s*(?P<s>{VALUE})"#);
        let pattern = Pattern::new(&pattern)?;
        Ok(Self { triggers, ..Self::new(name, &[], Kind::Own, lazy(|| pattern, is_value)) })
    }

    /// Whether an allowed key before the secret allows it.
    pub(super) fn heeds_keys(&self) -> bool {
        self.kind == Kind::Named
    }

    pub(super) fn set(&mut self, setting: &Setting, action: Action, dry_run: bool) {
        self.enabled = setting.enabled.unwrap_or(self.enabled);
        self.action = setting.action.unwrap_or(action);
        self.dry_run = setting.dry_run || dry_run;
    }
}

/// What a value may be: a list of quoted ones, in quotes, in escaped quotes (JSON within a text, however deep), or up to a delimiter.
const VALUE: &str = r#"(?:\[\s*\\*["'][^\]]*\]?|\\+"[^"\\]*(?:\\+")?|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s&,;"'\\)}\]]+)"#;

/// What the names of secrets hold.
const NAMES: &[&str] = &[
    "passw",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "access-key",
    "accountkey",
    "account_key",
    "account-key",
    "privatekey",
    "private_key",
    "private-key",
    "credential",
    "signature",
    "sessionid",
    "session_id",
    "session-id",
    "phpsessid",
];

/// Every rule that is built in, in the order in which they are applied.
pub(super) fn built_in() -> Vec<Rule> {
    let mut rules = shapes();
    rules.extend(generic());
    rules.push(Rule::new("credit_card", &[], Kind::Named, Shape::Card));
    rules.extend(personal::rules());
    rules.push(Rule::new("entropy", &[], Kind::Named, Shape::Entropy));
    rules
}

fn rule(
    name: &'static str,
    triggers: &[&str],
    pattern: impl Into<Cow<'static, str>>,
    accept: Accept,
) -> Rule {
    Rule::new(name, triggers, Kind::Named, builtin_pattern(pattern, accept))
}

/// A constant pattern. It is compiled when a text first holds one of its triggers, for most never do.
fn builtin_pattern(pattern: impl Into<Cow<'static, str>>, accept: Accept) -> Shape {
    let pattern = pattern.into();
    let compile =
        move || Pattern::new(&pattern).expect("the patterns are constants that a test compiles");
    lazy(compile, accept)
}

fn lazy(pattern: impl FnOnce() -> Pattern + Send + Sync + 'static, accept: Accept) -> Shape {
    Shape::Pattern { pattern: LazyLock::new(Box::new(pattern)), accept }
}

impl Pattern {
    fn new(pattern: &str) -> Result<Self, regex::Error> {
        let regex = Regex::new(pattern)?;
        let of = |wanted: &str| regex.capture_names().position(|name| name == Some(wanted));
        let (group, no) = (of("s").unwrap_or(0), of("no"));
        Ok(Self { regex, group, no })
    }
}

/// Whole shapes, which tell by themselves; they are applied before the [`generic`] ones.
fn shapes() -> Vec<Rule> {
    // PEM, PuTTY's format, and the DER of a private key in base64 without an envelope.
    let mut rules = vec![
        rule(
            "private_key",
            &["private key-----", "private key block-----", "putty-user-key-file-", "iba"],
            r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)|PuTTY-User-Key-File-[0-9]:.*?(?:Private-MAC: [0-9a-f]+|\z)|\bMII[A-Za-z0-9+/]{2}[AQgw]IBA[A-Za-z0-9+/]{40,}={0,2}",
            any,
        ),
        // Signed tokens have three parts and encrypted ones five, some of them empty.
        rule(
            "jwt",
            &["eyj"],
            r"\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,3}|\.\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){0,2})",
            any,
        ),
    ];
    let vendors = vendors::VENDORS.iter();
    rules.extend(vendors.map(|(name, triggers, pattern)| rule(name, triggers, *pattern, any)));
    for rule in &mut rules {
        rule.kind = Kind::Whole;
    }
    rules
}

/// What follows a telling name or sign, such as `name=value`, in the order in which it is applied.
fn generic() -> Vec<Rule> {
    let key = r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|secret[_-]?key|private[_-]?key|credentials?|signature|j?session[_-]?id|phpsessid)\d*";
    // What a parser says of its input.
    let prose =
        r"(?P<no>(?:unexpected|invalid|illegal|expected|unknown|bad|missing)\s+(?:[a-z]+\s+)?)?";
    vec![
        rule(
            "url_credentials",
            &["://"],
            r"(?i)\b[a-z][a-z0-9+.-]*://[^\s/:@?#]*:(?P<s>[^\s/?#]+)@",
            is_value,
        ),
        // A token in place of the user, as Git and Sentry have it, and the data source names of Go's drivers.
        rule(
            "url_token",
            &["://"],
            r"(?i)\b[a-z][a-z0-9+.-]*://(?P<s>[a-z0-9_~.-]{16,})@",
            is_opaque,
        ),
        rule(
            "dsn_password",
            &["@tcp(", "@unix(", "@udp("],
            r"[A-Za-z0-9_.-]+:(?P<s>[^\s:@/]+)@(?:tcp|unix|udp)\(",
            is_value,
        ),
        rule("url_signature", &["sig="], r#"(?i)(?:[?&;]sig=(?P<s>[^\s&"'\\]+))"#, is_value),
        rule(
            "header",
            &["authorization", "cookie", "x-api-key", "x-auth-token"],
            r#"(?i)\b(?:proxy-)?(?:authorization|set-cookie|cookie|x-api-key|x-auth-token)\\*["']?\s*(?:=>?|:)\s*\\*["']?(?P<s>\[\s*\\*["'][^\]\r\n]*\]?|[^"'\\\r\n]+)"#,
            is_value,
        ),
        // Vendors' headers: `private-token: …`, `dd-api-key: …`, `x-vault-token: …`.
        rule(
            "header_token",
            &[
                "-token",
                "-api-key",
                "-application-key",
                "-access-key",
                "-functions-key",
                "-subscription-key",
                "-secret",
            ],
            r#"(?i)\b(?:[a-z0-9]+-)+(?:token|api-key|application-key|access-key|functions-key|subscription-key|secret)\\*["']?\s*(?:=>?|:)\s*\\*["']?(?P<s>[^\s"'\\,;]+)"#,
            is_opaque,
        ),
        rule("bearer", &["bearer"], r"(?i)\bbearer\s+(?P<s>[A-Za-z0-9._~+/-]{6,}=*)", is_opaque),
        rule("basic", &["basic"], r"(?i)\bbasic\s+(?P<s>[A-Za-z0-9+/_-]{4,}={0,2})", is_basic),
        rule(
            "assignment",
            NAMES,
            format!(
                r#"(?i)(?P<no>\barn:[^\s"']*:)?{key}\\*["'`]?(?:\s*(?:=>?|:=)\s*|\\*["']\s*:\s*|:)(?P<s>{VALUE})"#
            ),
            is_value,
        ),
        rule(
            "password",
            &["passw", "pwd", "passphrase"],
            format!(r#"(?i)(?:password|passwd|passphrase|pwd)\d*\s*:\s*(?P<s>{VALUE})"#),
            is_value,
        ),
        rule(
            "pass",
            &["pass=", "pass\"", "pass\\", "pass'", "pass ", "pass:"],
            format!(r#"(?i)(?:\b|_)pass\\*["']?(?:\s*=>?\s*|\\*["']\s*:\s*)(?P<s>{VALUE})"#),
            is_no_count,
        ),
        rule(
            "pin",
            &["pin=", "pin:", "pin\"", "pin\\", "pin'", "pin ", "pin_code", "pincode"],
            r#"(?i)(?:\b|_)pin(?:_?code)?\\*["']?\s*(?:=>?|:)\s*\\*["']?(?P<s>[0-9]{4,8})\b"#,
            any,
        ),
        rule(
            "quoted",
            NAMES,
            format!(r#"(?i){prose}{key}\s*:\s*(?P<s>\\+"[^"\\]+(?:\\+")?|"[^"]+"?|'[^']+'?)"#),
            is_value,
        ),
        rule(
            "flag",
            &["-password", "-passwd", "-pass", "-token", "-secret", "-apikey", "-api-key"],
            r#"(?i)(?:^|\s)--(?:[a-z0-9-]*-)?(?:password|passwd|pass|token|secret|api-?key)\s+(?P<s>[^\s"'\\-][^\s"'\\]*)"#,
            is_value,
        ),
        rule(
            "labelled",
            &[
                "secret",
                "token",
                "apikey",
                "api_key",
                "api-key",
                "api key",
                "access_key",
                "access key",
                "passw",
                "passphrase",
            ],
            r#"(?i)(?:password|passwd|passphrase|secret|token|api[ _-]?key|access[ _-]?key)\s*:?\s+(?:is\s+)?(?P<s>[A-Za-z0-9._~+/=!@#$%^&*-]+)"#,
            is_opaque,
        ),
        rule(
            "sql_password",
            &["identified by", "password '", "password \""],
            r#"(?i)(?:identified by|password)\s+(?P<s>'[^']*'|"[^"]*")"#,
            is_value,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_its_triggers_are_in_lower_case() {
        for rule in built_in() {
            assert!(rule.find("nothing").is_empty(), "{}", rule.name);
            assert!(rule.triggers.iter().all(|trigger| **trigger == trigger.to_lowercase()));
        }
    }
}
