//! What is sent to hurt: nothing panics, no key comes twice, and twice the bytes take about twice the time.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use logparse::{Format, Intake, Joiner, Limits, Multiline, Options, detect, parse};
use model::{Attributes, Timestamp, Value};
use proptest::prelude::*;

const FORMATS: [Format; 11] = [
    Format::Auto,
    Format::Json,
    Format::Logfmt,
    Format::Access,
    Format::ApacheError,
    Format::NginxError,
    Format::Alb,
    Format::Cri,
    Format::Klog,
    Format::Syslog,
    Format::Plain,
];

/// Lines that are good, to be broken.
const LINES: [&str; 12] = [
    r#"{"time":"2024-05-06T07:08:09Z","level":"info","msg":"a\u00e9\n","n":[1,-2.5e3,{"x":null}],"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#,
    r#"time="2024-05-06T07:08:09Z" level=info msg="a \"b\"" n=1.5 n=2 flag"#,
    r#"10.0.0.2, 85.1.2.3 - bob [07/Dec/2016:11:05:07 +0100] "GET /o?x=y HTTP/1.1" 200 571 "-" "Mozilla (x)" "2.75""#,
    r#"0.0.0.0 - - [18/Mar/2023:15:00:00 +0000] "GET / HTTP/2.0" 200 1 "" "x" 462 0.050 [up] [] 10.0.50.80:9000, 1.1.1.1:2 19, 7 0.049, 0.1 200, 502 id"#,
    "[Thu May 12 08:28:57.652118 2011] [core:error] [pid 8777:tid 4326490] (111)Refused: [client ::1:58619] AH01: x, referer: http://y/",
    r#"2021/06/03 09:30:50 [crit] 32#7: *6 limiting requests, excess: 50.416 by zone "z", client: 10.0.0.1, server: , request: "GET /a", host: "h:1""#,
    r#"https 2018-07-02T22:23:00.186641Z app/lb/50dc 192.168.131.39:2817 10.0.0.1:80 0.086 -1 0.037 200 - 0 57 "GET https://h:443/a?b HTTP/1.1" "curl" ECDHE TLSv1.2 arn:aws "Root=1-58337281-1d84f3d73c47ec4e58577259" "h" "arn" 1 2018-07-02T22:22:48.364000Z "forward""#,
    "2016-10-06T00:17:09.669794202Z stdout F text",
    r#"E1025 00:15:15.525108       1 pod.go:116] "Pod" pod="a/b" n=3"#,
    r#"<165>1 2003-10-11T22:14:15.003Z host app - ID47 [a@1 iut="3\"" x="\]"][b] An event"#,
    "<34>Oct 11 22:14:15 mymachine su[12]: 'su root' failed",
    "[2016-12-19 16:31:47,999] TRACE Controller 0 (x)",
];

fn options() -> Options {
    Options::new(Timestamp::from_secs(1_795_000_000))
}

fn unique(attributes: &Attributes) -> bool {
    let keys: BTreeSet<_> = attributes.iter().map(|(key, _)| key).collect();
    let inner = attributes.iter().all(|(_, value)| match value {
        Value::Map(map) => unique(map),
        _ => true,
    });
    keys.len() == attributes.len() && inner
}

fn check(line: &str) {
    detect(line);
    for format in FORMATS {
        match parse(format, line, &options()) {
            Ok(parsed) => assert!(unique(&parsed.attributes), "{format}: {line}"),
            Err(error) => assert!((1..=line.len() + 1).contains(&error.column), "{error}: {line}"),
        }
    }
}

/// A good line with some of its bytes replaced, removed, doubled, or another's end put on it.
fn broken() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just("{".to_owned()),
        Just("=".to_owned()),
        Just(", ".to_owned()),
        Just(" - ".to_owned()),
        Just("é".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("9999999999999999999999".to_owned()),
        Just("\n".to_owned()),
        Just("\0".to_owned()),
        "\\PC{0,6}",
    ];
    (
        0..LINES.len(),
        0..LINES.len(),
        proptest::collection::vec((0usize..400, 0usize..8, piece), 0..6),
    )
        .prop_map(|(one, other, edits)| {
            let mut line = LINES[one].to_owned();
            for (at, length, piece) in edits {
                let mut from = at.min(line.len());
                while !line.is_char_boundary(from) {
                    from -= 1;
                }
                let mut to = (from + length).min(line.len());
                while !line.is_char_boundary(to) {
                    to += 1;
                }
                line.replace_range(from..to, &piece);
            }
            if one % 3 == 0 {
                let other: String = LINES[other].chars().skip(other * 7).collect();
                line.push_str(&other);
            }
            line
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn rubbish_never_panics(line in "\\PC{0,200}") {
        check(&line);
    }

    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn broken_lines_never_panic(line in broken()) {
        check(&line);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn joining_loses_no_line(lines in proptest::collection::vec(prop_oneof![broken(), "[ \t]{0,3}[a-zA-Z:. ()^}]{0,20}"], 0..20), lines_max in 1usize..6, bytes_max in 1usize..300) {
        let lines: Vec<String> = lines.iter().map(|line| line.replace(['\n', '\r'], " ")).collect();
        let mut joiner = Joiner::new(Limits { lines_max, bytes_max });
        let mut records: Vec<_> = lines.iter().enumerate().filter_map(|(at, line)| joiner.push(at, line)).collect();
        records.extend(joiner.flush());
        let kept: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.trim_ascii().is_empty()).collect();
        let joined: Vec<&str> = records.iter().flat_map(|record| record.text.split('\n')).filter(|line| !line.is_empty()).collect();
        prop_assert_eq!(joined, kept);
        for record in &records {
            prop_assert!(record.lines <= lines_max);
            prop_assert!(record.lines == 1 || record.text.len() <= bytes_max);
        }
        let mut intake = Intake::new(Format::Auto, &Multiline::Auto, Limits { lines_max, bytes_max });
        let mut records = 0;
        for line in &lines {
            intake.push((), line, &options(), &mut |_| records += 1);
        }
        intake.flush(&options(), &mut |_| records += 1);
        prop_assert!(records <= lines.len());
    }
}

/// Texts that would take long if any reader looked at a byte again and again.
fn slow(size: usize) -> Vec<String> {
    let access = "1.2.3.4 - - [07/Dec/2016:11:05:07 +0100] \"";
    let keys: String = (0..size / 8).map(|n| format!("\"k{n}\":0,")).collect();
    let same = "\"k\":0,".repeat(size / 6);
    let traces: String =
        (0..size / 16).map(|n| format!("\"trace{}id\":\"x\",", "_".repeat(n % 7))).collect();
    vec![
        format!("{access}{}", "\" ".repeat(size / 2)),
        format!("{access}{}", "\\\"".repeat(size / 2)),
        format!("{access}{}\"", "\\".repeat(size)),
        format!("{access}GET / HTTP/1.1\" 200 5 \"{}", "\" \"".repeat(size / 3)),
        "[".repeat(size),
        " [".repeat(size / 2),
        "[a] ".repeat(size / 4),
        format!("{{{keys}\"a\":0}}"),
        format!("{{{same}\"a\":0}}"),
        format!("{{{traces}\"a\":0}}"),
        format!("{{\"a\":{}", "[".repeat(size)),
        format!("{{\"a\":\"{}", "\\u0041".repeat(size / 6)),
        "k=v ".repeat(size / 4),
        (0..size / 8).map(|n| format!("k{n}=v ")).collect(),
        format!("k=\"{}", "\\\"".repeat(size / 2)),
        format!("<13>1 - h a - - {}", "[a x=\"\\]\"]".repeat(size / 10)),
        format!("<13>1 - h a - - [a {}", "x=\"1\" ".repeat(size / 6)),
        format!("2021/06/03 09:30:50 [crit] 32#7: x, client: {}", ", client: \"".repeat(size / 11)),
        format!("I0505 17:59:40.692994 1 {}", "a:] ".repeat(size / 4)),
        format!("I0505 17:59:40.692994 1 k.go:7] \"{}", "a=\"".repeat(size / 3)),
        "1,".repeat(size / 2),
        "a, ".repeat(size / 3) + "b - - [07/Dec/2016:11:05:07 +0100] \"\" 200 5",
        format!("[x] [y] [pid 1] ({}", ": [client ".repeat(size / 10)),
        " ".repeat(size),
        "é".repeat(size / 2),
    ]
}

fn time_of(line: &str) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a test of time needs a clock")]
    let start = Instant::now();
    detect(line);
    for format in FORMATS {
        parse(format, line, &options()).ok();
    }
    start.elapsed()
}

#[test]
fn time_is_linear_in_the_line() {
    for (small, large) in slow(8 << 10).iter().zip(&slow(128 << 10)) {
        // Sixteen times the bytes: were it quadratic, 256 times the time. A busy machine makes some tries slow, but not all.
        let (mut quick, mut long) = (Duration::MAX, Duration::MAX);
        let linear = (0..20).any(|_| {
            quick = quick.min(time_of(small));
            long = long.min(time_of(large));
            long < quick * 64
        });
        let head: String = large.chars().take(60).collect();
        assert!(linear, "{quick:?} {long:?}: {head}");
    }
}

#[test]
fn a_stream_of_partial_lines_is_bounded() {
    let mut intake =
        Intake::new(Format::Auto, &Multiline::Auto, Limits { lines_max: 10, bytes_max: 1000 });
    let line = format!("2016-10-06T00:17:09Z stdout P {}", "x".repeat(300));
    let mut longest = 0;
    for _ in 0..1000 {
        intake.push((), &line, &options(), &mut |record| longest = longest.max(record.text.len()));
    }
    assert!((300..=1300).contains(&longest), "{longest}");
}
