//! Keys whose values are secrets, whatever they look like.

/// Last words of keys that hold secrets.
const WORDS: &[&str] = &[
    "apikey",
    "authorization",
    "auth",
    "bearer",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "connectionstring",
    "connstr",
    "creditcard",
    "cvc",
    "cvv",
    "dsn",
    "jsessionid",
    "jwt",
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "phpsessid",
    "pin",
    "pwd",
    "secret",
    "secrets",
    "sessionid",
    "setcookie",
    "token",
    "accesskey",
    "privatekey",
    "secretkey",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "authtoken",
    "sessiontoken",
];

/// Last two words of keys that hold secrets.
const PAIRS: &[(&str, &str)] = &[
    ("access", "key"),
    ("account", "key"),
    ("api", "key"),
    ("card", "number"),
    ("connection", "string"),
    ("credit", "card"),
    ("encryption", "key"),
    ("master", "key"),
    ("private", "key"),
    ("secret", "key"),
    ("session", "id"),
    ("shared", "key"),
    ("signing", "key"),
    ("ssh", "key"),
];

/// Ends of keys that only look as if: OpenTelemetry's `session.id` joins the signals of one visit.
const ORDINARY: &[&str] = &["session.id"];

/// Whether the key's last word or two name a secret: `http.request.header.authorization`, `dbPassword`, `x-api-key`,
/// `password2`; not `token_count` or `secret.name`.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let unnumbered = key.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    !ORDINARY.iter().any(|end| key.ends_with(end)) && (names(key) || names(unnumbered))
}

fn names(key: &str) -> bool {
    let (head, last) = last_word(key);
    if WORDS.iter().any(|word| word.eq_ignore_ascii_case(last)) {
        return true;
    }
    let (_, before) = last_word(head);
    PAIRS.iter().any(|(first, second)| {
        first.eq_ignore_ascii_case(before) && second.eq_ignore_ascii_case(last)
    })
}

/// What stands before the last word, and the last word; words end at punctuation and where `camelCase` humps.
fn last_word(key: &str) -> (&str, &str) {
    let key = key.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let bytes = key.as_bytes();
    let mut at = bytes.len();
    while at > 0 && bytes[at - 1].is_ascii_alphanumeric() {
        at -= 1;
        let hump = bytes[at].is_ascii_uppercase() && at > 0 && bytes[at - 1].is_ascii_lowercase();
        if hump {
            break;
        }
    }
    key.split_at_checked(at).unwrap_or(("", key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_secrets_by_the_end_of_the_key() {
        for key in [
            "authorization",
            "http.request.header.authorization",
            "http.request.header.set-cookie",
            "db.password",
            "DB_PASSWORD",
            "dbPassword",
            "clientSecret",
            "x-api-key",
            "apiKey",
            "API_KEY",
            "aws_secret_access_key",
            "access_token",
            "user.passwd",
            "privateKey",
            "gcp.credentials",
            "card.number",
            "Set-Cookie",
            "passwords[]",
            "DB_PASS",
            "dbPass",
            "password2",
            "password_2",
            "api_key1",
            "session_id",
            "sessionId",
            "sessionid",
            "JSESSIONID",
            "user.pin",
            "sentry_dsn",
            "connection_string",
            "db.connection_string",
            "connectionString",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in [
            "",
            "_",
            "token_count",
            "secret.name",
            "key",
            "messaging.kafka.message.key",
            "cookie_consent",
            "monkey",
            "author",
            "password_reset_requested",
            "gen_ai.usage.input_tokens",
            "größe",
            "user.id",
            "session.id",
            "mcp.session.id",
            "pinned",
            "compass",
            "bypass",
            "passed",
            "input_tokens2",
            "tokens",
            "llm.tokens",
            "base64",
            "http2",
            "3",
        ] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
