//! Shapes of secrets. Each rule has literal triggers, so that its pattern runs only on texts that hold one.

use regex::{Captures, Regex};

use crate::Counts;

/// A shape; what its group `s` matches (or all, without such a group) is replaced.
#[derive(Debug)]
pub(super) struct Rule {
    name: &'static str,
    pub(super) triggers: &'static [&'static str],
    pattern: Regex,
    /// Says no to what has the shape but is no secret.
    accept: fn(&str) -> bool,
}

impl Rule {
    /// The text without this rule's secrets; `None` when there was none.
    pub(super) fn apply(&self, text: &str, counts: &mut Counts) -> Option<String> {
        let mut hits = 0;
        let replaced = self.pattern.replace_all(text, |found: &Captures<'_>| {
            let whole = &found[0];
            let start = found.get(0).map_or(0, |whole| whole.start());
            let secret = found.name("s").or_else(|| found.get(0));
            let Some(secret) = secret.filter(|secret| (self.accept)(secret.as_str())) else {
                return whole.to_owned();
            };
            hits += 1;
            let (from, to) = (secret.start() - start, secret.end() - start);
            let before = whole.get(..from).unwrap_or_default();
            let after = whole.get(to..).unwrap_or_default();
            format!("{before}[redacted:{}]{after}", self.name)
        });
        if hits == 0 {
            return None;
        }
        *counts.entry(self.name).or_default() += hits;
        Some(replaced.into_owned())
    }
}

/// Placeholders, and what has been redacted already, tell nothing.
fn is_value(text: &str) -> bool {
    let bare = text.trim_matches(['"', '\'', ' ']);
    let placeholder = bare.starts_with(['?', '$', '%', ':', '{', '<', '*', '[']);
    !(bare.is_empty() || placeholder || ["null", "none", "nil", "true", "false"].contains(&bare))
}

/// A word such as `expired` behind `token:` is prose; a secret has a digit or is long.
fn is_opaque(text: &str) -> bool {
    is_value(text)
        && (text.len() >= 20 || (text.len() >= 6 && text.bytes().any(|byte| byte.is_ascii_digit())))
}

fn any(_: &str) -> bool {
    true
}

/// In the order in which they are applied: whole shapes before the generic `name=value`.
pub(super) fn all() -> Vec<Rule> {
    let rule = |name, triggers, pattern: &str, accept| Rule {
        name,
        triggers,
        pattern: Regex::new(pattern).expect("the patterns are constants that a test compiles"),
        accept,
    };
    // What a value may be: in quotes, in escaped quotes (JSON within a text), or up to a delimiter.
    let value = r#"(?:\\"[^"\\]*(?:\\")?|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s&,;"'\\)}\]]+)"#;
    vec![
        rule(
            "private_key",
            &["private key-----"],
            r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)",
            any,
        ),
        rule(
            "jwt",
            &["eyj"],
            r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?",
            any,
        ),
        rule(
            "aws_key",
            &["akia", "asia", "abia", "acca"],
            r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",
            any,
        ),
        rule(
            "github_token",
            &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
            r"\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})",
            any,
        ),
        rule(
            "gitlab_token",
            &[
                "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-", "glimt-",
                "glagent-",
            ],
            r"\bgl(?:pat|dt|rt|ptt|cbt|soat|ft|imt|agent)-[A-Za-z0-9_.-]{20,}",
            any,
        ),
        rule(
            "slack_token",
            &["xox", "xapp-", "hooks.slack.com"],
            r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}|hooks\.slack\.com/(?:services|workflows)/(?P<s>[A-Za-z0-9/_-]+)",
            any,
        ),
        rule("google_key", &["aiza"], r"\bAIza[0-9A-Za-z_-]{35}", any),
        rule(
            "stripe_key",
            &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"],
            r"\b(?:[sr]k_(?:live|test)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z+/=]{16,})",
            any,
        ),
        rule(
            "url_credentials",
            &["://"],
            r"(?i)\b[a-z][a-z0-9+.-]*://[^\s/:@?#]*:(?P<s>[^\s/?#]+)@",
            is_value,
        ),
        rule(
            "header",
            &["authorization", "cookie", "x-api-key", "x-auth-token"],
            r#"(?i)\b(?:proxy-)?(?:authorization|set-cookie|cookie|x-api-key|x-auth-token)\\?["']?\s*[:=]\s*\\?["']?(?P<s>[^"'\\\r\n]+)"#,
            is_value,
        ),
        rule("bearer", &["bearer"], r"(?i)\bbearer\s+(?P<s>[A-Za-z0-9._~+/-]{6,}=*)", is_opaque),
        rule(
            "assignment",
            &[
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
                "private_key",
                "account_key",
                "accountkey",
                "credential",
                "signature=",
            ],
            &format!(
                r#"(?i)(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|secret[_-]?key|private[_-]?key|credentials?|signature)\\?["'`]?(?:\s*=\s*|\\?["']\s*:\s*)(?P<s>{value})"#
            ),
            is_value,
        ),
        rule(
            "password",
            &["passw", "pwd", "passphrase"],
            &format!(r#"(?i)(?:password|passwd|passphrase|pwd)\s*:\s*(?P<s>{value})"#),
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
            ],
            r#"(?i)(?:secret|token|api[ _-]?key|access[ _-]?key)\s*:?\s+(?P<s>[A-Za-z0-9._~+/=-]+)"#,
            is_opaque,
        ),
        rule(
            "sql_password",
            &["identified by", "password '"],
            r"(?i)(?:identified by|password)\s+(?P<s>'[^']*')",
            is_value,
        ),
    ]
}
