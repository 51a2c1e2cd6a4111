//! Keys whose values are secrets, whatever they look like, and what else a key says of its value.

use super::{findings::Path, glob::Glob, policy::Action};

/// What becomes of the values of secret keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) name: &'static str,
    pub(super) action: Action,
    pub(super) dry_run: bool,
}

/// Which keys hold secrets.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The keys known here, if they are wanted.
    pub(super) known: Option<Slot>,
    pub(super) own: Vec<(Glob, Slot)>,
    pub(super) allowed: Vec<Glob>,
}

/// What a key says of its value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    Allowed,
    Secret(Slot),
    Unknown,
}

impl Keys {
    /// `path` ends with the key; `named` says that the entry beside it names a secret.
    pub(super) fn verdict(&self, path: &Path<'_>, named: bool) -> Verdict {
        let key = path.key();
        if !self.allowed.is_empty() || !self.own.is_empty() {
            let mut dotted = String::new();
            if path.is_nested() {
                path.write(&mut dotted);
            }
            let is =
                |glob: &Glob| glob.matches(key) || (!dotted.is_empty() && glob.matches(&dotted));
            if self.allowed.iter().any(is) {
                return Verdict::Allowed;
            }
            if let Some((_, slot)) = self.own.iter().find(|(glob, _)| is(glob)) {
                return Verdict::Secret(*slot);
            }
        }
        match self.known {
            Some(slot) if named || is_secret(key) => Verdict::Secret(slot),
            Some(_) | None => Verdict::Unknown,
        }
    }

    /// Whether what follows `before` in a text is the value of an allowed key.
    pub(super) fn allows_after(&self, text: &str) -> bool {
        !self.allowed.is_empty() && {
            let key = before(text);
            self.allowed.iter().any(|glob| glob.matches(key))
        }
    }
}

/// The key that a text ends with, as `a.b-c` in `{"a.b-c": "`; empty where there is none.
pub(super) fn before(text: &str) -> &str {
    let text = text.trim_end_matches([' ', '\t', '"', '\'', '\\', '`', ':', '=', '>', '[', '(']);
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    let start = text.bytes().rposition(|byte| !is_key(&byte)).map_or(0, |at| at + 1);
    text.get(start..).unwrap_or_default()
}

/// Whether an argument asks for a secret in the next one: `--db-password`.
pub(super) fn is_flag(argument: &str) -> bool {
    argument.starts_with('-') && !argument.contains(['=', ' ']) && is_secret(argument)
}

/// Last words of keys whose values are public though they look random.
static PUBLIC: Words = Words::new(&[
    "id",
    "ids",
    "uid",
    "uuid",
    "guid",
    "ulid",
    "traceid",
    "spanid",
    "requestid",
    "messageid",
    "clusterid",
    "hash",
    "digest",
    "sha",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "md5",
    "h1",
    "crc",
    "checksum",
    "etag",
    "integrity",
    "fingerprint",
    "thumbprint",
    "commit",
    "revision",
    "rev",
    "version",
    "cursor",
    "ref",
    "name",
    "path",
    "file",
    "filename",
    "url",
    "uri",
    "href",
    "trace",
    "span",
    "traceparent",
    "image",
    "base64",
    "type",
    "usg",
    "ved",
    "ei",
    "gclid",
    "fbclid",
    "msclkid",
]);

/// Words that tell of a secret wherever they stand in a key.
static TELLING: Words = Words::new(&[
    "secret",
    "secrets",
    "token",
    "tokens",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "pwd",
    "credential",
    "credentials",
    "apikey",
    "auth",
    "authorization",
    "bearer",
    "jwt",
    "cookie",
    "private",
    "signing",
    "encryption",
    "license",
    "webhook",
    "hmac",
]);

/// Whether the key's last word says that the value is public.
pub(super) fn is_ordinary(key: &str) -> bool {
    let is = |key| {
        let (_, last) = last_word(key);
        PUBLIC.has(last)
    };
    // `x-amz-id-2` is an id as well.
    is(key) || is(key.trim_end_matches(|c: char| !c.is_ascii_alphabetic()))
}

/// Whether any word of the key tells of a secret.
pub(super) fn hints(key: &str) -> bool {
    let mut rest = key;
    while !rest.is_empty() {
        let (head, last) = last_word(rest);
        if TELLING.has(last) {
            return true;
        }
        if head.len() == rest.len() {
            return false;
        }
        rest = head;
    }
    false
}

/// Last words of keys that hold secrets.
static WORDS: Words = Words::new(&[
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
]);

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

/// Ends of long words that name secrets.
const ENDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "apikey",
    "secretkey",
    "privatekey",
    "accesstoken",
    "authtoken",
    "apitoken",
    "refreshtoken",
    "bearertoken",
];

/// The second words of [`PAIRS`].
static SECONDS: Words = Words::new(&["key", "number", "string", "card", "id"]);

/// Ends of keys that only look as if: OpenTelemetry's `session.id` joins the signals of one visit.
const ORDINARY: &[&str] = &["session.id"];

/// Words of keys. Nearly all words of real keys are none of them, which their first letter and length tell.
struct Words {
    words: &'static [&'static str],
    /// By the low bits of the first letter: the lengths of the words, a bit for each.
    lengths: [u32; 32],
}

impl Words {
    const fn new(words: &'static [&'static str]) -> Self {
        let mut lengths = [0; 32];
        let mut at = 0;
        while at < words.len() {
            let word = words[at].as_bytes();
            lengths[(word[0] & 31) as usize] |= 1 << word.len();
            at += 1;
        }
        Self { words, lengths }
    }

    fn has(&self, word: &str) -> bool {
        let Some(first) = word.bytes().next() else {
            return false;
        };
        let lengths = self.lengths[usize::from(first & 31)];
        lengths.checked_shr(u32::try_from(word.len()).unwrap_or(u32::MAX)).unwrap_or(0) & 1 == 1
            && self.words.iter().any(|have| have.eq_ignore_ascii_case(word))
    }
}

/// Whether the key's last word or two name a secret: `http.request.header.authorization`, `dbPassword`, `x-api-key`,
/// `password2`; not `token_count` or `secret.name`.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let unnumbered = key.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let named = names(key) || (unnumbered.len() < key.len() && names(unnumbered));
    named && !ORDINARY.iter().any(|end| key.ends_with(end))
}

fn names(key: &str) -> bool {
    let (head, last) = last_word(key);
    if WORDS.has(last) || ends(last) {
        return true;
    }
    if !SECONDS.has(last) {
        return false;
    }
    let (_, before) = last_word(head);
    PAIRS.iter().any(|(first, second)| {
        first.eq_ignore_ascii_case(before) && second.eq_ignore_ascii_case(last)
    })
}

/// Whether a word is several written as one that end in a secret's name: `dbpassword`, `APITOKEN`.
fn ends(word: &str) -> bool {
    word.len() > 8 && {
        let bytes = word.as_bytes();
        let ends = |end: &&str| {
            bytes
                .get(bytes.len().saturating_sub(end.len())..)
                .is_some_and(|last| last.eq_ignore_ascii_case(end.as_bytes()))
        };
        matches!(bytes[bytes.len() - 1] | 32, b'd' | b't' | b'y' | b'e' | b'n')
            && ENDS.iter().any(ends)
    }
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
    fn the_second_words_of_all_pairs_are_known() {
        assert!(PAIRS.iter().all(|(_, second)| SECONDS.has(second)));
        assert!(SECONDS.has("KEY") && !SECONDS.has("keys") && !SECONDS.has(&"k".repeat(35)));
    }

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
            "dbpassword",
            "MYSQLPASSWORD",
            "githubapitoken",
            "clientsecret",
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
            "retained",
            "checkpointed",
            "transaction",
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
