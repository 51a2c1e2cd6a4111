//! Words and numbers for how bad it is, as OpenTelemetry's severity number.
//!
//! Source: opentelemetry.io/docs/specs/otel/logs/data-model-appendix, appendix B; RFC 5424, section 6.2.1, for syslog.

/// The severity number of a level's name in any case, as common loggers write it; `None` for a word that names none.
///
/// OpenTelemetry's own short names with a digit (`WARN2`) are known too, and those of Go's slog with an offset (`INFO+2`).
pub fn from_word(word: &str) -> Option<u8> {
    if let Some(at) = word.find(['+', '-']) {
        let (name, offset) = word.split_at_checked(at)?;
        let severity = i8::try_from(from_name(name)?).ok()?;
        let offset: i8 = offset.parse().ok()?;
        return u8::try_from(severity.saturating_add(offset).clamp(1, 24)).ok();
    }
    from_name(word)
}

fn from_name(word: &str) -> Option<u8> {
    let mut lower = [0; 16];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"trace" | b"trc" | b"finest" | b"t" => 1,
        // Apache has eight; OpenTelemetry's `TRACE2` to `TRACE4` are below.
        b"trace1" | b"trace5" | b"trace6" | b"trace7" | b"trace8" => 1,
        b"trace2" => 2,
        b"trace3" => 3,
        b"trace4" => 4,
        b"debug" | b"dbg" | b"dbug" | b"debg" | b"finer" | b"verbose" | b"vrb" | b"verb" | b"d"
        | b"v" => 5,
        b"debug2" | b"fine" => 6,
        b"debug3" | b"config" => 7,
        b"debug4" => 8,
        b"info" | b"inf" | b"information" | b"informational" | b"log" | b"default" | b"i" => 9,
        b"info2" | b"notice" | b"note" | b"n" => 10,
        b"info3" => 11,
        b"info4" => 12,
        b"warn" | b"warning" | b"wrn" | b"w" => 13,
        b"warn2" => 14,
        b"warn3" => 15,
        b"warn4" => 16,
        b"error" | b"err" | b"eror" | b"severe" | b"fail" | b"e" => 17,
        b"error2" | b"critical" | b"crit" | b"crt" | b"dpanic" | b"c" => 18,
        b"error3" | b"alert" | b"panic" | b"a" => 19,
        b"error4" => 20,
        b"fatal" | b"ftl" | b"emergency" | b"emerg" | b"f" => 21,
        b"fatal2" => 22,
        b"fatal3" => 23,
        b"fatal4" => 24,
        _ => return None,
    })
}

/// Syslog's severities with their keywords, from 0 (emergency) to 7 (debug).
pub(crate) const SYSLOG: [(&str, u8); 8] = [
    ("emerg", 21),
    ("alert", 19),
    ("crit", 18),
    ("err", 17),
    ("warning", 13),
    ("notice", 10),
    ("info", 9),
    ("debug", 5),
];

/// The severity number of a level that a logger writes as a number, and the word for it.
///
/// 0 to 7 are syslog's (GELF, journald); tens from 10 to 60 are those of pino and bunyan. `None` for any other.
pub(crate) fn from_number(number: i64) -> Option<(u8, &'static str)> {
    match number {
        0..=7 => {
            let (word, severity) = SYSLOG.get(usize::try_from(number).ok()?)?;
            Some((*severity, word))
        }
        10..=19 => Some((1, "trace")),
        20..=29 => Some((5, "debug")),
        30..=39 => Some((9, "info")),
        40..=49 => Some((13, "warn")),
        50..=59 => Some((17, "error")),
        60 => Some((21, "fatal")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_follow_the_table_of_appendix_b() {
        let table = [
            ("Trace", 1),
            ("FINEST", 1),
            ("FINER", 5),
            ("FINE", 6),
            ("CONFIG", 7),
            ("Informational", 9),
            ("Notice", 10),
            ("WARNING", 13),
            ("SEVERE", 17),
            ("crit", 18),
            ("Dpanic", 18),
            ("Panic", 19),
            ("ALERT", 19),
            ("emerg", 21),
            ("WARN4", 16),
            ("INFO+2", 11),
            ("DEBUG-9", 1),
            ("ERROR+100", 24),
        ];
        for (word, severity) in table {
            assert_eq!(from_word(word), Some(severity), "{word}");
        }
        for word in ["", "castle", "info+", "+1", "info+1000", "-", "informationally speaking", "é"]
        {
            assert_eq!(from_word(word), None, "{word}");
        }
    }

    #[test]
    fn numbers_are_syslogs_or_pinos() {
        assert_eq!(from_number(3), Some((17, "err")));
        assert_eq!(from_number(30), Some((9, "info")));
        assert_eq!(from_number(8), None);
        assert_eq!(from_number(-1), None);
    }
}
