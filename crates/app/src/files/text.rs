//! Small texts: names as DNS has them, durations as Prometheus writes them, and "did you mean".

use std::time::Duration;

/// The most characters of a user's text that an error quotes.
const QUOTE_CHARS_MAX: usize = 60;

/// `text` on one line and short enough to stand in an error.
pub fn shorten(text: &str) -> String {
    let mut short: String =
        text.chars().take(QUOTE_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(QUOTE_CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}

/// `` `a`, `b` or `c` ``.
pub fn alternatives<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = values.into_iter().map(|value| format!("`{value}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The one of `candidates` that `text` was most likely meant to be.
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// A longer text is no slip of the finger.
    const CHARS_MAX: usize = 40;
    /// Looking at more takes longer than it helps.
    const CANDIDATES_MAX: usize = 1000;
    if text.chars().count() > CHARS_MAX {
        return None;
    }
    candidates
        .into_iter()
        .take(CANDIDATES_MAX)
        .map(|candidate| (distance(&text.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 5)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean X; allowed: ...`, for a name that is not among `allowed`.
pub fn suggestion(text: &str, allowed: &[&str]) -> String {
    /// A longer list hides the suggestion.
    const LISTED_MAX: usize = 20;
    if let Some(near) =
        nearest(text, allowed.iter().copied()).filter(|_| allowed.len() > LISTED_MAX)
    {
        return format!("did you mean `{near}`?");
    }
    let listed = format!("allowed: {}", alternatives(allowed.iter().copied()));
    match nearest(text, allowed.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? {listed}"),
        None => listed,
    }
}

/// The Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// An RFC 1123 label: up to 63 lowercase letters, digits and `-`, with a letter or digit at both ends.
pub fn is_dns_label(text: &str) -> bool {
    is_framed(text, 63, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit(), b"-")
}

/// Up to `max` bytes of `inner` and `between`, with `inner` at both ends.
pub fn is_framed(text: &str, max: usize, inner: impl Fn(u8) -> bool, between: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let ends = bytes.first().zip(bytes.last()).is_some_and(|(a, b)| inner(*a) && inner(*b));
    ends && bytes.len() <= max && bytes.iter().all(|byte| inner(*byte) || between.contains(byte))
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`: a label's name as Prometheus has it.
pub fn is_label_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A duration as Prometheus writes it: `5m`, `1h30m`, `2d`, units `ms s m h d w y` from large to small, or `0`.
pub fn prometheus_duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 7] = [
        ("y", 365 * 86_400_000),
        ("w", 7 * 86_400_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut millis: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        millis = millis.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = tail;
    }
    // Prometheus counts in 63 bits of nanoseconds.
    let fits = i64::try_from(millis).is_ok_and(|millis| millis.checked_mul(1_000_000).is_some());
    (!text.is_empty() && fits).then(|| Duration::from_millis(millis))
}

/// A duration in the largest units that are exact: `1h30m`, `300ms`.
pub fn print_duration(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    let mut text = String::new();
    for (unit, millis) in
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
    {
        if rest >= millis {
            text.push_str(&format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_near() {
        assert_eq!(nearest("servce", ["service", "slo"]), Some("service"));
        assert_eq!(nearest("Spec", ["spec"]), Some("spec"));
        assert_eq!(nearest("routes", ["receiver", "group_by"]), None);
        assert_eq!(suggestion("b", &["b1", "xyz"]), "did you mean `b1`? allowed: `b1` or `xyz`");
    }

    #[test]
    fn reads_durations_as_prometheus_does() {
        let check = |text| prometheus_duration(text).map(|duration| duration.as_millis());
        assert_eq!(check("5m"), Some(300_000));
        assert_eq!(check("1h30m"), Some(5_400_000));
        assert_eq!(check("1s500ms"), Some(1500));
        assert_eq!(check("0"), Some(0));
        assert_eq!(check("0s"), Some(0));
        for bad in [
            "",
            "5",
            "m",
            "30m1h",
            "1h1h",
            "1.5h",
            "-5m",
            "5 m",
            "5µs",
            "300y",
            "99999999999999999999s",
        ] {
            assert_eq!(check(bad), None, "{bad}");
        }
        assert_eq!(print_duration(Duration::from_millis(5_400_500)), "1h30m500ms");
    }

    #[test]
    fn knows_names() {
        assert!(is_dns_label("a") && is_dns_label("web-1"));
        for bad in ["", "-a", "a-", "A", "a b", "a_b", &"a".repeat(64)] {
            assert!(!is_dns_label(bad), "{bad}");
        }
        assert!(is_label_name("_a1") && !is_label_name("1a") && !is_label_name(""));
    }
}
