//! Recognisers: how many bytes at the start of a text are a time, an address, a number, and of which kind.

use super::kind::Kind;

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether a byte joins two words into one name.
pub(super) fn is_joint(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'$' | b'@')
}

/// Whether `text` begins with `shape`, in which `0` is any digit; `None` or its length.
fn shape(text: &[u8], shape: &str) -> Option<usize> {
    let fits =
        |(want, byte): (u8, &u8)| if want == b'0' { byte.is_ascii_digit() } else { want == *byte };
    (text.len() >= shape.len() && shape.bytes().zip(text).all(fits)).then_some(shape.len())
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn ends_word(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|byte| !is_word(*byte))
}

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// RFC 3339 and its relatives, times of day, those of the common log format and of syslog.
pub(super) fn time(text: &[u8]) -> Option<usize> {
    if let Some(date) = shape(text, "0000-00-00").or_else(|| shape(text, "0000/00/00")) {
        let clock = match text.get(date) {
            Some(b'T' | b' ') => text.get(date + 1..).and_then(clock).map(|length| length + 1),
            _ => None,
        };
        let end = date + clock.unwrap_or(0);
        return ends_word(text, end).then_some(end);
    }
    if let Some(end) = clock(text) {
        return ends_word(text, end).then_some(end);
    }
    if MONTHS.iter().any(|month| text.starts_with(month)) {
        let rest = text.get(3..)?;
        let day = shape(rest, " 00 ").or_else(|| shape(rest, "  0 "))?;
        return clock(rest.get(day..)?).map(|length| 3 + day + length);
    }
    let month = text.get(3..6)?;
    let year = shape(text, "00/").and_then(|_| shape(text.get(6..)?, "/0000:"))?;
    let clock = clock(text.get(6 + year..)?)?;
    let end = 6 + year + clock;
    let zone = shape(text.get(end..)?, " +0000").or_else(|| shape(&text[end..], " -0000"));
    MONTHS.contains(&month).then_some(end + zone.unwrap_or(0))
}

/// `hh:mm:ss` with fraction and zone.
fn clock(text: &[u8]) -> Option<usize> {
    let mut end = shape(text, "00:00:00")?;
    if let Some(b'.' | b',') = text.get(end) {
        let fraction = digits(&text[end + 1..]);
        end += if fraction > 0 { fraction + 1 } else { 0 };
    }
    let rest = &text[end..];
    let zone =
        ["Z", "+00:00", "-00:00", "+0000", "-0000"].iter().find_map(|zone| shape(rest, zone));
    Some(end + zone.unwrap_or(0))
}

pub(super) fn uuid(text: &[u8]) -> Option<usize> {
    let hex = |byte: &u8| byte.is_ascii_hexdigit();
    let is_uuid = text.len() >= 36
        && text[..36].iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => hex(byte),
        });
    (is_uuid && ends_word(text, 36)).then_some(36)
}

/// IPv4 with an optional port or prefix length, IPv6 with `::` or all its groups.
pub(super) fn ip(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for part in 0..4 {
        let length = digits(&text[at..]);
        let dot = usize::from(part < 3);
        if length == 0 || length > 3 || (dot == 1 && text.get(at + length) != Some(&b'.')) {
            return ip6(text);
        }
        at += length + dot;
    }
    if let Some(b':' | b'/') = text.get(at) {
        let port = digits(&text[at + 1..]);
        at += if port > 0 { port + 1 } else { 0 };
    }
    let is_longer = text.get(at) == Some(&b'.') && text.get(at + 1).is_some_and(u8::is_ascii_digit);
    (!is_longer && ends_word(text, at)).then_some(at)
}

fn ip6(text: &[u8]) -> Option<usize> {
    let is_part = |byte: &&u8| byte.is_ascii_hexdigit() || **byte == b':';
    let end = text.iter().take(45).take_while(is_part).count();
    let run = &text[..end];
    let colons = run.iter().filter(|byte| **byte == b':').count();
    let has_gap = run.windows(2).any(|pair| pair == b"::");
    let short = run.split(|byte| *byte == b':').all(|group| group.len() <= 4);
    let is_ip = colons >= 2 && short && (has_gap || colons == 7) && run.last() != Some(&b':');
    (is_ip && ends_word(text, end)).then_some(end)
}

const DURATIONS: [&[u8]; 14] = [
    b"ns",
    b"us",
    "µs".as_bytes(),
    "μs".as_bytes(),
    b"ms",
    b"s",
    b"m",
    b"h",
    b"d",
    b"sec",
    b"secs",
    b"min",
    b"mins",
    b"msec",
];

const SIZES: [&[u8]; 17] = [
    b"B", b"KB", b"kB", b"MB", b"GB", b"TB", b"KiB", b"MiB", b"GiB", b"TiB", b"K", b"k", b"M",
    b"G", b"Ki", b"Mi", b"Gi",
];

/// A number with its unit, `0x` hex, or a version of three parts or more. A sign before it belongs to it.
pub(super) fn number(text: &[u8]) -> Option<(usize, Kind)> {
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    if text[sign..].starts_with(b"0x") {
        let hex = text[sign + 2..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        return (hex > 0 && ends_word(text, sign + 2 + hex)).then_some((sign + 2 + hex, Kind::Hex));
    }
    let (mut end, mut parts) = (sign, 0);
    loop {
        let length = digits(&text[end..]);
        if length == 0 {
            break;
        }
        end += length;
        parts += 1;
        let goes_on =
            text.get(end) == Some(&b'.') && text.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !goes_on {
            break;
        }
        end += 1;
    }
    if parts == 0 {
        return None;
    }
    if parts > 2 {
        return ends_word(text, end).then_some((end, Kind::Version));
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'-' | b'+')));
        let power = digits(text.get(end + 1 + sign..).unwrap_or_default());
        if power > 0 && ends_word(text, end + 1 + sign + power) {
            return Some((end + 1 + sign + power, Kind::Num));
        }
    }
    if ends_word(text, end) {
        return Some((end, Kind::Num));
    }
    let unit = text[end..]
        .iter()
        .take(5)
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80)
        .count();
    let word = &text[end..end + unit];
    if SIZES.contains(&word) && ends_word(text, end + unit) {
        return Some((end + unit, Kind::Size));
    }
    if DURATIONS.contains(&word) {
        // `1h2m3.5s` is one duration.
        let rest = &text[end + unit..];
        return match rest.first() {
            Some(byte) if byte.is_ascii_digit() => match number(rest) {
                Some((length, Kind::Duration)) => Some((end + unit + length, Kind::Duration)),
                _ => None,
            },
            _ => ends_word(text, end + unit).then_some((end + unit, Kind::Duration)),
        };
    }
    None
}

/// The place of the bracket that closes the one at the start, quotes left aside.
pub(super) fn closing(text: &[u8], open: u8, close: u8) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.iter().enumerate() {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// The place of the quote that ends what the one at the start begins, escaped ones passed over.
pub(super) fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut from = 1;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', text.get(from..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times() {
        for whole in [
            "2016-12-19 16:31:47,437",
            "2026-11-23T03:00:00.25Z",
            "2026-11-23T03:00:00+02:00",
            "2026-11-23",
            "2026/11/23 03:00:00",
            "03:00:00.123",
            "17/May/2015:10:05:03 +0000",
            "Nov 26 21:06:38",
            "Nov  6 21:06:38",
        ] {
            assert_eq!(time(whole.as_bytes()), Some(whole.len()), "{whole}");
            assert_eq!(time(format!("{whole}] x").as_bytes()), Some(whole.len()), "{whole}");
        }
        for none in ["", "2016", "Nov 26", "12:30", "2026-11-23x", "17/Foo/2015:10:05:03 +0000"] {
            assert_eq!(time(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn reads_addresses() {
        for whole in ["10.0.0.1", "10.0.0.1:8080", "10.0.0.0/8", "fe80::1", "2001:db8:0:0:0:0:0:1"]
        {
            assert_eq!(ip(whole.as_bytes()), Some(whole.len()), "{whole}");
        }
        for none in ["10.0.0", "1.2.3.4.5", "12:34:56", "1000.0.0.1", "a::", ""] {
            assert_eq!(ip(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn reads_numbers_with_units() {
        let check = |text: &str, kind| {
            assert_eq!(number(text.as_bytes()), Some((text.len(), kind)), "{text}")
        };
        for text in ["0", "-12", "3.25", "1e9", "2.5E-3"] {
            check(text, Kind::Num);
        }
        for text in ["5ms", "1h2m3.5s", "300µs", "-2s"] {
            check(text, Kind::Duration);
        }
        for text in ["16KiB", "3.5GB"] {
            check(text, Kind::Size);
        }
        check("0x1f", Kind::Hex);
        check("2.4.1", Kind::Version);
        for none in ["", "-", "5xx", "12ab34", "0x", "1h2q"] {
            assert_eq!(number(none.as_bytes()), None, "{none}");
        }
    }
}
