//! Shapes of secrets. Each rule has literal triggers, so that its pattern runs only on texts that hold one.

mod value;

use regex::{Captures, Match, Regex};

use self::value::{any, is_basic, is_no_count, is_opaque, is_value};
use crate::Counts;

/// A shape; what its group `s` matches (or all, without such a group) is replaced, unless its group `no` matches too.
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
            let accepted =
                |secret: &Match<'_>| found.name("no").is_none() && (self.accept)(secret.as_str());
            let Some(secret) = secret.filter(accepted) else {
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

fn rule(
    name: &'static str,
    triggers: &'static [&'static str],
    pattern: &str,
    accept: fn(&str) -> bool,
) -> Rule {
    let pattern = Regex::new(pattern).expect("the patterns are constants that a test compiles");
    Rule { name, triggers, pattern, accept }
}

/// Whole shapes, which tell by themselves; they are applied before the [`generic`] ones.
pub(super) fn shapes() -> Vec<Rule> {
    let mut rules = vec![
        rule(
            "private_key",
            &["private key-----", "private key block-----"],
            r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
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
    rules.extend(vendors().map(|(name, triggers, pattern)| rule(name, triggers, pattern, any)));
    rules
}

/// What follows a telling name or sign, such as `name=value`, in the order in which it is applied.
pub(super) fn generic() -> Vec<Rule> {
    // What a value may be: a list of quoted ones, in quotes, in escaped quotes (JSON within a text), or up to a delimiter.
    let value = r#"(?:\[\s*\\?["'][^\]]*\]?|\\"[^"\\]*(?:\\")?|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s&,;"'\\)}\]]+)"#;
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
        rule("url_signature", &["sig="], r#"(?i)(?:[?&;]sig=(?P<s>[^\s&"'\\]+))"#, is_value),
        rule(
            "header",
            &["authorization", "cookie", "x-api-key", "x-auth-token"],
            r#"(?i)\b(?:proxy-)?(?:authorization|set-cookie|cookie|x-api-key|x-auth-token)\\?["']?\s*(?:=>?|:)\s*\\?["']?(?P<s>\[\s*\\?["'][^\]\r\n]*\]?|[^"'\\\r\n]+)"#,
            is_value,
        ),
        rule("bearer", &["bearer"], r"(?i)\bbearer\s+(?P<s>[A-Za-z0-9._~+/-]{6,}=*)", is_opaque),
        rule("basic", &["basic"], r"(?i)\bbasic\s+(?P<s>[A-Za-z0-9+/_-]{4,}={0,2})", is_basic),
        rule(
            "assignment",
            NAMES,
            &format!(
                r#"(?i)(?P<no>\barn:[^\s"']*:)?{key}\\?["'`]?(?:\s*(?:=>?|:=)\s*|\\?["']\s*:\s*|:)(?P<s>{value})"#
            ),
            is_value,
        ),
        rule(
            "password",
            &["passw", "pwd", "passphrase"],
            &format!(r#"(?i)(?:password|passwd|passphrase|pwd)\d*\s*:\s*(?P<s>{value})"#),
            is_value,
        ),
        rule(
            "pass",
            &["pass=", "pass\"", "pass\\", "pass'", "pass ", "pass:"],
            &format!(r#"(?i)(?:\b|_)pass\\?["']?(?:\s*=>?\s*|\\?["']\s*:\s*)(?P<s>{value})"#),
            is_no_count,
        ),
        rule(
            "pin",
            &["pin=", "pin:", "pin\"", "pin\\", "pin'", "pin ", "pin_code", "pincode"],
            r#"(?i)(?:\b|_)pin(?:_?code)?\\?["']?\s*(?:=>?|:)\s*\\?["']?(?P<s>[0-9]{4,8})\b"#,
            any,
        ),
        rule(
            "quoted",
            NAMES,
            &format!(r#"(?i){prose}{key}\s*:\s*(?P<s>\\"[^"\\]+(?:\\")?|"[^"]+"?|'[^']+'?)"#),
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

/// Tokens that tell by their beginning who gave them out: name, triggers, pattern.
fn vendors() -> [(&'static str, &'static [&'static str], &'static str); 14] {
    [
        ("aws_key", &["akia", "asia", "abia", "acca"], r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
        (
            "github_token",
            &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
            r"\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})",
        ),
        (
            "gitlab_token",
            &[
                "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-", "glimt-",
                "glagent-",
            ],
            r"\bgl(?:pat|dt|rt|ptt|cbt|soat|ft|imt|agent)-[A-Za-z0-9_.-]{20,}",
        ),
        (
            "slack_token",
            &["xox", "xapp-", "hooks.slack.com"],
            r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}|hooks\.slack\.com/(?:services|workflows)/(?P<s>[A-Za-z0-9/_-]+)",
        ),
        ("google_key", &["aiza"], r"\bAIza[0-9A-Za-z_-]{35}"),
        (
            "stripe_key",
            &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"],
            r"\b(?:[sr]k_(?:live|test)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z+/=]{16,})",
        ),
        (
            "ai_key",
            &["sk-"],
            r"\bsk-(?:(?:proj|svcacct|admin|ant|or|live|test)-[A-Za-z0-9_-]{8,}|[A-Za-z0-9]{32,})",
        ),
        ("npm_token", &["npm_"], r"\bnpm_[A-Za-z0-9]{30,}"),
        ("pypi_token", &["pypi-"], r"\bpypi-[A-Za-z0-9_-]{50,}"),
        ("sendgrid_key", &["sg."], r"\bSG\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
        ("age_key", &["age-secret-key-1"], r"(?i)\bAGE-SECRET-KEY-1[A-Z0-9]{10,}"),
        ("digitalocean_token", &["_v1_"], r"\bdo[opr]_v1_[A-Za-z0-9]{16,}"),
        ("huggingface_token", &["hf_"], r"\bhf_[A-Za-z0-9]{20,}"),
        ("vault_token", &["hvs.", "hvb."], r"\bhv[sb]\.[A-Za-z0-9_-]{20,}"),
    ]
}
