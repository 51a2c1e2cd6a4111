//! What says something of a person. These rules are off until a policy names them: an address may be what an operator looks for.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Candidate, Kind, Rule, Shape, builtin_pattern};

/// Lengths of IBANs by country (SWIFT IBAN registry).
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SC", 31),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
];

pub(super) fn rules() -> Vec<Rule> {
    let rule = |name, triggers: &[&str], pattern, accept| {
        let shape: Shape = builtin_pattern(pattern, accept);
        Rule::new(name, triggers, Kind::Personal, shape)
    };
    vec![
        rule(
            "email",
            &["@"],
            r"[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62})\.)+\p{L}{2,24}",
            is_email,
        ),
        rule(
            "ipv6",
            &[
                "::", ":0", ":1", ":2", ":3", ":4", ":5", ":6", ":7", ":8", ":9", ":a", ":b", ":c",
                ":d", ":e", ":f",
            ],
            r"[0-9A-Fa-f:]{2,39}:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f:]{2,39}",
            is_ipv6,
        ),
        rule("ipv4", &[], r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", is_ipv4),
        // In the international form, or with the area code in brackets.
        rule(
            "phone",
            &["+", "("],
            r"\+[1-9](?:[ ./()-]{0,2}[0-9]){7,14}|\([0-9]{3}\) ?[0-9]{3}[ -][0-9]{4}",
            is_phone,
        ),
        rule(
            "iban",
            &[],
            r"[A-Z]{2}[0-9]{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)",
            is_iban,
        ),
    ]
}

/// Whether neither neighbour continues it: a letter, a digit, one of `more` before it, or a `.` with a digit after it.
fn stands_alone(found: &Candidate<'_>, more: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let (before, after) = found.around();
    let goes_on = matches!(after, [b'.', digit, ..] if digit.is_ascii_digit());
    !before.last().is_some_and(|byte| is_word(byte) || more.contains(byte))
        && !goes_on
        && !after.first().is_some_and(is_word)
}

/// `git@host:path` is how Git names a repository.
fn is_email(found: &Candidate<'_>) -> bool {
    !found.secret().starts_with("git@")
}

/// A machine's own addresses tell of nobody; `1.2.3.4.5` is no address.
fn is_ipv4(found: &Candidate<'_>) -> bool {
    let parsed = found.secret().parse::<Ipv4Addr>();
    stands_alone(found, b".")
        && parsed.is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
}

fn is_ipv6(found: &Candidate<'_>) -> bool {
    let parsed = found.secret().parse::<Ipv6Addr>();
    stands_alone(found, b":.")
        && parsed.is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
}

fn is_phone(found: &Candidate<'_>) -> bool {
    stands_alone(found, b"+-.=/")
}

/// ISO 13616: the country's length, and 1 as the remainder of 97 with letters as 10 to 35 and the first four characters last.
fn is_iban(found: &Candidate<'_>) -> bool {
    let text: Vec<u8> = found.secret().bytes().filter(|byte| *byte != b' ').collect();
    let known = IBAN_LENGTHS
        .iter()
        .any(|(country, length)| text.starts_with(country.as_bytes()) && text.len() == *length);
    let (head, rest) = text.split_at(text.len().min(4));
    let remainder = rest.iter().chain(head).fold(0_u32, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte.wrapping_sub(b'A')) + 10) % 97,
    });
    known && remainder == 1 && stands_alone(found, b"")
}
