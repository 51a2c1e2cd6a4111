//! Hostile bodies: malformed, of the wrong types, truncated, nested, too large, compressed into bombs.

use std::{fmt, io::Write as _, sync::LazyLock};

use serde_json::{Value, json};

use super::{
    Right, Wrong,
    answer::Sender,
    routes::{Reads, Route},
};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const PROTOBUF: &str = "application/x-protobuf";
const DEPTH: usize = 100_000;
/// More than the limit of 32 MiB.
const INFLATED: usize = 40 << 20;
const LONG: usize = 1 << 20;

static BLANKS: LazyLock<Vec<u8>> = LazyLock::new(|| vec![b' '; INFLATED]);
pub(super) static GZIP_BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| gzip(&BLANKS));
pub(super) static ZSTD_BOMB: LazyLock<Vec<u8>> =
    LazyLock::new(|| zstd::encode_all(BLANKS.as_slice(), 1).unwrap());

/// Fields that hold any text; all others that hold a text are names, times or links.
const FREE_TEXT: [&str; 6] = ["text", "reason", "note", "content", "idempotency_key", "query"];

pub(super) async fn run(sender: &Sender, route: &Route, wrong: &mut Wrong) {
    match route.reads {
        Reads::Nothing => {}
        Reads::Strict(valid) => json_bodies(sender, route, valid, true, wrong).await,
        Reads::Loose(valid) => json_bodies(sender, route, valid, false, wrong).await,
        Reads::Otlp(valid) => {
            json_bodies(sender, route, valid, false, wrong).await;
            bytes(sender, route, &[("content-type", PROTOBUF)], wrong).await;
            coded(sender, route, PROTOBUF, wrong).await;
        }
        Reads::Form(valid) => {
            for body in [valid.as_bytes(), b"%FF=%00&&&===", &[0xff; 64], &[0; 64]] {
                let answer = sender.send(route.method, route.path, &[("content-type", FORM)], body);
                wrong.look(&format!("{} with a form", route.path), Right::Clear, &answer.await);
            }
            coded(sender, route, FORM, wrong).await;
        }
        Reads::RemoteWrite => {
            let headers = [("content-type", PROTOBUF), ("content-encoding", "snappy")];
            bytes(sender, route, &headers, wrong).await;
            let bomb = snap::raw::Encoder::new().compress_vec(&vec![0; INFLATED]).unwrap();
            // A length of 4 GiB before nothing.
            let declared = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
            for body in [bomb.as_slice(), &declared] {
                let answer = sender.send("POST", route.path, &headers, body).await;
                wrong.look(&format!("{}: a snappy bomb", route.path), Right::Refused, &answer);
            }
        }
    }
}

async fn json_bodies(sender: &Sender, route: &Route, valid: &str, strict: bool, wrong: &mut Wrong) {
    let path = route.filled();
    let mut look = async |what: &str, right: Right, body: &[u8]| {
        let answer = sender.send(route.method, &path, &[("content-type", JSON)], body).await;
        wrong.look(&format!("{path}: {what}"), right, &answer);
    };
    for (what, body) in malformed(valid) {
        look(what, Right::Refused, &body).await;
    }
    for (what, body) in strange_texts() {
        look(what, if strict { Right::Refused } else { Right::Clear }, body).await;
    }
    let value: Value = serde_json::from_str(valid).unwrap();
    for (what, body) in changed(&value) {
        let right = match what {
            What::Type(_) | What::Unknown if strict => Right::Refused,
            // A bad file is a problem of the repo, which is an answer.
            What::Name(_) if strict && !path.contains("/repo/") => Right::Refused,
            What::Long(_) if strict && !path.contains("/repo/") => Right::Refused,
            _ => Right::Clear,
        };
        look(&what.to_string(), right, body.to_string().as_bytes()).await;
    }
    coded(sender, route, JSON, wrong).await;
    let answer =
        sender.send(route.method, &path, &[("content-type", "text/plain")], valid.as_bytes());
    wrong.look(&format!("{path}: as plain text"), Right::Refused, &answer.await);
}

/// What no JSON parser takes.
fn malformed(valid: &str) -> Vec<(&'static str, Vec<u8>)> {
    let deep = |open: &str| open.repeat(DEPTH).into_bytes();
    let closed = [deep("["), deep("]")].concat();
    vec![
        ("an open brace", b"{".to_vec()),
        ("cut in the middle", valid.as_bytes()[..valid.len() / 2].to_vec()),
        ("cut at the end", valid.trim_end().as_bytes()[..valid.trim_end().len() - 1].to_vec()),
        ("more behind it", [valid.as_bytes(), b" x"].concat()),
        ("a text", b"\"x\"".to_vec()),
        ("a number", b"7".to_vec()),
        ("nested lists", deep("[")),
        ("nested lists that end", closed),
        ("nested objects", deep("{\"a\":")),
        ("nested in a field", [b"{\"a\":".to_vec(), deep("[")].concat()),
        ("a huge number", b"{\"a\":1e999".to_vec()),
        ("NUL bytes", vec![0; 4096]),
        ("XML", b"<?xml version=\"1.0\"?><a/>".to_vec()),
    ]
}

/// Texts that are none, in a field that there is not.
fn strange_texts() -> [(&'static str, &'static [u8]); 2] {
    [("no UTF-8", b"{\"a\":\"\xff\xfe\"}"), ("a lone surrogate", b"{\"a\":\"\\ud800\"}")]
}

/// How a valid body was changed, and where.
enum What {
    Type(String),
    Unknown,
    /// Control characters in what is a name.
    Name(String),
    /// Control characters in what is a text.
    Text(String),
    Long(String),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(at) => write!(f, "another type at {at}"),
            Self::Unknown => f.write_str("a field that there is not"),
            Self::Name(at) => write!(f, "a name with control characters at {at}"),
            Self::Text(at) => write!(f, "a text with control characters at {at}"),
            Self::Long(at) => write!(f, "{LONG} characters at {at}"),
        }
    }
}

/// The valid body with one field changed.
fn changed(valid: &Value) -> Vec<(What, Value)> {
    let mut all = Vec::new();
    let mut pointers = Vec::new();
    leaves(valid, "", &mut pointers);
    for pointer in pointers {
        let with = |new: Value| {
            let mut body = valid.clone();
            *body.pointer_mut(&pointer).unwrap() = new;
            body
        };
        let old = valid.pointer(&pointer).unwrap();
        for other in [json!({"a": 1}), json!([[]])] {
            all.push((What::Type(pointer.clone()), with(other)));
        }
        if old.is_string() {
            all.push((What::Type(pointer.clone()), with(json!(7))));
            all.push((What::Type(pointer.clone()), with(json!(true))));
            all.push((What::Long(pointer.clone()), with(json!("a".repeat(LONG)))));
            let field = pointer.rsplit('/').next().unwrap_or_default();
            for text in ["a\0b", "a\u{1b}[31m\rb"] {
                let is_free = FREE_TEXT.contains(&field);
                let what = if is_free { What::Text } else { What::Name };
                all.push((what(format!("{pointer} {text:?}")), with(json!(text))));
            }
        } else {
            all.push((What::Type(pointer.clone()), with(json!("x"))));
        }
    }
    if let Value::Object(fields) = valid {
        let mut body = fields.clone();
        body.insert("no_such_field".to_owned(), json!(1));
        all.push((What::Unknown, Value::Object(body)));
    }
    all
}

fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(n, item)| leaves(item, &format!("{at}/{n}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| leaves(field, &format!("{at}/{name}"), found));
        }
        _ => found.push(at.to_owned()),
    }
}

/// Bytes that are no protobuf.
async fn bytes(sender: &Sender, route: &Route, headers: &[(&str, &str)], wrong: &mut Wrong) {
    for (what, body) in protobufs() {
        let body = if matches!(route.reads, Reads::RemoteWrite) && what != "noise" {
            snap::raw::Encoder::new().compress_vec(&body).unwrap()
        } else {
            body
        };
        let answer = sender.send("POST", route.path, headers, &body).await;
        wrong.look(&format!("{}: {what}", route.path), Right::Refused, &answer);
    }
}

pub(super) fn protobufs() -> Vec<(&'static str, Vec<u8>)> {
    // Each level is a message with one field, whose length is that of the rest.
    let mut nested = Vec::new();
    for _ in 0..2_000 {
        let mut level = vec![0x0a];
        let mut length = nested.len();
        while length >= 0x80 {
            level.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        level.push(u8::try_from(length).unwrap());
        level.append(&mut nested);
        nested = level;
    }
    // The last level is a text where a message is expected, so that no reader may skip it.
    vec![
        ("noise", vec![0xff; 4096]),
        ("a length beyond its end", vec![0x0a, 0xff, 0xff, 0xff, 0x7f, 1]),
        ("an endless number", vec![0x80; 64]),
        ("open groups", vec![0x0b; DEPTH]),
        ("cut", vec![0x0a, 0x10, 0x0a]),
    ]
    .into_iter()
    .chain([
        ("a wrong wire type", vec![0x08, 1]),
        ("many empty messages", [0x0a, 0].repeat(6_000_000)),
    ])
    .chain([("nested", [nested, vec![0x0f]].concat())])
    .collect()
}

/// Bodies behind encodings, and ones that are too long.
async fn coded(sender: &Sender, route: &Route, kind: &str, wrong: &mut Wrong) {
    let path = route.filled();
    let small = gzip(b"{}");
    let cut = small[..small.len() / 2].to_vec();
    let cases: [(&str, &str, &[u8]); 9] = [
        ("a gzip bomb", "gzip", &GZIP_BOMB),
        ("a zstd bomb", "zstd", &ZSTD_BOMB),
        ("two encodings", "gzip, gzip", &gzip(&small)),
        ("two encodings of which one is none", "identity, gzip", &GZIP_BOMB),
        ("an unknown encoding", "br", b"{}"),
        ("no gzip", "gzip", b"{}"),
        ("no zstd", "zstd", b"{}"),
        ("half a gzip", "gzip", &cut),
        ("a huge zstd window", "zstd", &[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 0x00, 0x00, 0x00]),
    ];
    for (what, encoding, body) in cases {
        let headers = [("content-type", kind), ("content-encoding", encoding)];
        let answer = sender.send(route.method, &path, &headers, body).await;
        wrong.look(&format!("{path}: {what}"), Right::Refused, &answer);
    }
    let length = INFLATED.to_string();
    let headers = [("content-type", kind), ("content-length", length.as_str())];
    let answer = sender.send(route.method, &path, &headers, &BLANKS).await;
    wrong.look(&format!("{path}: too long"), Right::Refused, &answer);
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
