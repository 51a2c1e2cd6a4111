//! Runs of token characters that look random, which is what most secrets look like, and base64 that hides a text.
//!
//! A run tells by itself when it is long, has letters of both cases and digits, changes between them as random characters do, repeats few of
//! them, and has few words. Near a word such as `secret` less is enough. Trace ids, UUIDs, hashes and names have neither: they are hexadecimal, of one
//! case, or made of words; what is named an id, a digest or a name is one.

use std::ops::Range;

use super::key;

/// The shortest run that is looked at.
pub(super) const RUN_BYTES_MIN: usize = 20;
/// The shortest that tells by itself.
const ALONE_BYTES_MIN: usize = 32;
/// What is longer is no key but a payload.
const ALONE_BYTES_MAX: usize = 512;
/// The shortest of hexadecimal digits alone; shorter ones, and digests of usual lengths, are ids.
const HEX_BYTES_MIN: usize = 50;
const DIGEST_HEX: [usize; 4] = [56, 64, 96, 128];
/// How far before a run a telling word may stand.
const NEAR_BYTES: usize = 40;

/// Words that tell of a secret nearby; they are triggers too.
pub(super) const HINTS: &[&str] = &[
    "secret",
    "token",
    "passw",
    "passphrase",
    "credential",
    "apikey",
    "api key",
    "api_key",
    "api-key",
    "access key",
    "access_key",
    "access-key",
    "private",
    "signing",
    "encryption",
    "license key",
    "bearer",
];

/// How base64 begins of images, archives and documents, and of public keys.
const HARMLESS: &[&str] = &[
    "iVBOR",
    "/9j/",
    "R0lGOD",
    "UklGR",
    "H4sI",
    "UEsDB",
    "JVBERi",
    "AAAAB3Nza",
    "AAAAC3Nza",
    "AAAAE2Vj",
];

/// Ends of file names.
const EXTENSIONS: &[&str] = &[
    "js", "mjs", "css", "map", "json", "xml", "html", "htm", "txt", "log", "md", "csv", "pdf",
    "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "mp3", "mp4", "webm", "woff",
    "woff2", "ttf", "otf", "wasm", "zip", "gz", "tar", "jar", "class", "java", "go", "py", "rs",
    "rb", "php", "so", "dll", "exe", "parquet", "sst", "db",
];

/// What is known of a run from what stands around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    None,
    /// The key of the attribute names a secret.
    Key,
    /// A telling word stands a little before it.
    Near,
}

/// The next run at or after `at`, which is the text's start or follows a byte that is of no run: letters, digits, `+`, `/`, `_`, `-`.
pub(super) fn next_run(bytes: &[u8], mut at: usize) -> Option<Range<usize>> {
    // Most texts have no long run: a look at each twentieth byte, and back to where its word begins, passes over them.
    while let Some(&probe) = bytes.get(at + RUN_BYTES_MIN - 1) {
        let last = at + RUN_BYTES_MIN - 1;
        if !is_token(probe) {
            at += RUN_BYTES_MIN;
            continue;
        }
        let before = bytes[at..last].iter().rposition(|byte| !is_token(*byte));
        let start = before.map_or(at, |before| at + before + 1);
        let more = bytes[last..].iter().position(|byte| !is_token(*byte));
        let end = more.map_or(bytes.len(), |more| last + more);
        if end - start >= RUN_BYTES_MIN {
            return Some(start..end);
        }
        at = end;
    }
    None
}

fn is_token(byte: u8) -> bool {
    const IS: [bool; 256] = {
        let mut is = [false; 256];
        let mut at = 0;
        while at < 256 {
            #[expect(clippy::cast_possible_truncation, reason = "it is below 256")]
            let byte = at as u8;
            is[at] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-');
            at += 1;
        }
        is
    };
    IS[usize::from(byte)]
}

/// Calls `look` with the parts of a run that may be one token: all of it, or what lies between the slashes of a path.
pub(super) fn parts(text: &str, run: Range<usize>, mut look: impl FnMut(Range<usize>)) {
    let bytes = &text.as_bytes()[run.clone()];
    let slashes = bytes.iter().filter(|byte| **byte == b'/').count();
    let is_path = bytes[0] == b'/' && !bytes.starts_with(b"/9j/");
    if slashes == 0 || (!is_path && slashes <= 1 + bytes.len() / 16) {
        return look(run);
    }
    let mut at = run.start;
    for part in bytes.split(|byte| *byte == b'/') {
        let end = at + part.len();
        if part.len() >= RUN_BYTES_MIN {
            look(at..end);
        }
        at = end + 1;
    }
}

/// What stands around a run; `None` where that says that it is no secret. `near` says that a word of [`HINTS`] is in the text.
pub(super) fn hint(text: &str, run: &Range<usize>, near: bool, of: &str) -> Option<Hint> {
    let (before, after) = (text.get(..run.start)?, text.get(run.end..)?);
    let token = text.get(run.clone())?;
    let named = key::before(before);
    let named = if named.is_empty() && before.len() < 4 { of } else { named };
    let digest =
        ["sha1-", "sha256-", "sha384-", "sha512-"].iter().any(|name| token.starts_with(name));
    let is_file = after.strip_prefix('.').is_some_and(|rest| {
        let end = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        rest.get(..end).is_some_and(|end| EXTENSIONS.contains(&end))
    });
    if digest
        || is_file
        || key::is_ordinary(named)
        || before.ends_with("base64,")
        || HARMLESS.iter().any(|head| token.starts_with(head))
    {
        return None;
    }
    if key::hints(named) || (before.is_empty() && key::hints(of)) {
        return Some(Hint::Key);
    }
    let is_near = near && {
        let window = before.as_bytes();
        let window = &window[window.len().saturating_sub(NEAR_BYTES)..];
        let holds = |word: &&str| {
            window.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
        };
        HINTS.iter().any(holds)
    };
    Some(if is_near { Hint::Near } else { Hint::None })
}

/// Whether the characters of a run look random enough for what is known of it.
pub(super) fn is_random(run: &str, hint: Hint) -> bool {
    let bytes = run.as_bytes();
    let count = |is: fn(&u8) -> bool| bytes.iter().filter(|byte| is(byte)).count();
    let (lower, upper) = (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
    let digits = count(u8::is_ascii_digit);
    let symbols = bytes.len() - lower - upper - digits;
    if digits == 0 || lower + upper == 0 {
        return false;
    }
    let one_case = lower == 0 || upper == 0;
    if one_case && bytes.iter().all(u8::is_ascii_hexdigit) {
        return match hint {
            Hint::Key => entropy(bytes) >= 2.8,
            Hint::Near | Hint::None => {
                bytes.len() >= HEX_BYTES_MIN
                    && bytes.len() <= ALONE_BYTES_MAX
                    && !DIGEST_HEX.contains(&bytes.len())
                    && entropy(bytes) >= 3.5
            }
        };
    }
    if words(bytes) * 100 > 35 * bytes.len() {
        return false;
    }
    let changes = bytes.windows(2).filter(|two| class(two[0]) != class(two[1])).count();
    let (changing, long) = (changes * 100, bytes.len() - 1);
    match (hint, one_case) {
        (Hint::None, true) => false,
        (_, true) => {
            symbols == 0
                && digits >= 3
                && lower + upper >= 3
                && changing >= 30 * long
                && entropy(bytes) >= 3.3
        }
        (Hint::None, false) => {
            (ALONE_BYTES_MIN..=ALONE_BYTES_MAX).contains(&bytes.len())
                && symbols <= 1 + bytes.len() / 10
                && changing >= 38 * long
                && entropy(bytes) >= 4.2
        }
        (_, false) => {
            symbols <= 1 + bytes.len() / 10 && changing >= 35 * long && entropy(bytes) >= 3.5
        }
    }
}

/// Bytes that lie in runs of four and more lowercase letters, as words have them; of random characters it is one in twelve.
fn words(bytes: &[u8]) -> usize {
    let runs = bytes.split(|byte| !byte.is_ascii_lowercase()).map(<[u8]>::len);
    runs.filter(|run| *run >= 4).sum()
}

fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    }
}

/// Shannon's entropy in bits a character.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    #[expect(clippy::cast_precision_loss, reason = "runs are shorter than 2^52")]
    let total = bytes.len() as f64;
    let used = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
    -used.map(|share| share * share.log2()).sum::<f64>()
}

/// Whether base64 may begin a text: of its first 15 bytes most are printable, and none is a control character.
pub(super) fn may_be_text(run: &str) -> bool {
    // The first of four digits has six of the eight bits of a byte.
    let begins = run.bytes().take(RUN_BYTES_MIN).step_by(4);
    if begins.filter(|digit| matches!(digit, b'C' | b'I'..=b'Z' | b'a'..=b'f')).count() < 3 {
        return false;
    }
    let head = run.get(..RUN_BYTES_MIN).and_then(super::rules::value::base64).unwrap_or_default();
    let printable =
        head.iter().filter(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')).count();
    let high = head.iter().filter(|byte| **byte >= 0x80).count();
    printable >= 10 && printable + high == head.len()
}

/// The text that base64 holds.
pub(super) fn decoded(run: &str) -> Option<String> {
    let text = String::from_utf8(super::rules::value::base64(run)?).ok()?;
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    (!text.contains(is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_runs_wherever_they_lie() {
        let run = "a".repeat(RUN_BYTES_MIN);
        for before in 0..50 {
            for gap in [" ", "é", "a b"] {
                let text = format!("{}{gap} {run}. x", "w ".repeat(before));
                let found = next_run(text.as_bytes(), 0).unwrap();
                assert_eq!(text.get(found.clone()), Some(&*run), "{text}");
                assert_eq!(next_run(text.as_bytes(), found.end), None);
            }
        }
        assert_eq!(next_run(b"aaaa aaaa aaaa aaaa aaaa aaaaaaaaaaaaaaaaaaa", 0), None);
    }

    #[test]
    fn a_path_is_taken_apart_and_a_token_with_slashes_is_not() {
        let check = |text: &str| {
            let mut found = Vec::new();
            parts(text, 0..text.len(), |part| found.extend(text.get(part).map(str::to_owned)));
            found
        };
        assert_eq!(check("wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY").len(), 1);
        assert_eq!(check("/hooks/a2Kd93Kfm3Lq0Zx8Vb7N/x"), ["a2Kd93Kfm3Lq0Zx8Vb7N"]);
        assert_eq!(check("/usr/local/share/app"), [""; 0]);
    }

    #[test]
    fn words_ids_and_digests_are_not_random() {
        for text in [
            "ExecutorCompletionServiceFactoryBean2",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "7f3c0001-1f0e-4f6a-9c7b-5a2b7c9d0e1f",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "checkout-service-7d9f8b6c5d-x2x4z",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "0ujtsYcgvSTl8PAuAdqWYSMnLOv",
            "ReplicaFetcherThread-0-1002-orders-12",
            "role/service-role/AWSLambdaBasicExecutionRole-1a2b3c4d",
        ] {
            assert!(!is_random(text, Hint::None), "{text}");
        }
        for text in [
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "kX9vQ2mZ7pLr4TnB8wYc1HsJ6dFgA3eU",
            "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA",
        ] {
            assert!(is_random(text, Hint::None), "{text}");
        }
        assert!(is_random("x8d7f6g5h4j3k2l1m9n0p", Hint::Near));
    }

    #[test]
    fn most_random_texts_look_random() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below).unwrap()
        };
        let digits: Vec<char> =
            ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['+', '/']).collect();
        for (length, alphabet, least) in
            [(32, 62, 950), (40, 64, 960), (43, 64, 960), (64, 62, 990), (86, 64, 990)]
        {
            let mut random = || (0..length).map(|_| digits[next(alphabet)]).collect::<String>();
            let found = (0..1000).filter(|_| is_random(&random(), Hint::None)).count();
            println!("{found} of 1000 texts of {length} characters of {alphabet} look random");
            assert!(found >= least, "{found} of {length} characters");
        }
    }
}
