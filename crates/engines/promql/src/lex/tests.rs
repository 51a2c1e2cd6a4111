//! How texts are split, in cases of our own and in those of Prometheus' lexer test.

use super::*;

fn kinds(text: &str) -> Vec<Kind> {
    tokens(text).unwrap().list.into_iter().map(|token| token.kind).collect()
}

#[track_caller]
fn check(text: &str, expected: &[Kind]) {
    let mut kinds = kinds(text);
    assert_eq!(kinds.pop(), Some(Kind::End), "{text}");
    assert_eq!(kinds, expected, "{text}");
}

#[test]
fn splits_into_tokens() {
    use Kind::{
        Aggregate, At, Colon, Comma, Duration, Equal, Identifier, LeftBrace, LeftBracket,
        LeftParen, MetricIdentifier, Number, Op, RightBrace, RightBracket, RightParen, String,
    };
    check(
        "a:b{c=\"d\"}[5m:1m]",
        &[
            MetricIdentifier,
            LeftBrace,
            Identifier,
            Equal,
            String,
            RightBrace,
            LeftBracket,
            Duration,
            Colon,
            Duration,
            RightBracket,
        ],
    );
    check(
        "sum(x) @ 1.5e+3 # the end",
        &[Aggregate(AggregateOp::Sum), LeftParen, Identifier, RightParen, At, Number],
    );
    check("1 +-0x1f, .5", &[Number, Op(BinaryOp::Add), Op(BinaryOp::Sub), Number, Comma, Number]);
    check(
        "a != b </ inf",
        &[Identifier, Op(BinaryOp::NotEqual), Identifier, Op(BinaryOp::TrimUpper), Number],
    );
    check(
        "fill fill (1)",
        &[Identifier, Kind::Keyword(Keyword::Fill), LeftParen, Number, RightParen],
    );
    check("{sum=\"a\"}", &[LeftBrace, Identifier, Equal, String, RightBrace]);
    check(
        "x[2*Step()]",
        &[
            Identifier,
            LeftBracket,
            Number,
            Op(BinaryOp::Mul),
            Kind::Keyword(Keyword::Step),
            LeftParen,
            RightParen,
            RightBracket,
        ],
    );
    check("", &[]);
}

#[test]
fn refuses_with_the_place() {
    let check = |text, start, expected: &str| {
        let tokens = tokens(text).unwrap();
        assert_eq!(tokens.error, expected, "{text}");
        assert_eq!(tokens.list.last().map(|token| token.span.start), Some(start), "{text}");
    };
    check("a + ?", 4, "unexpected character: '?'");
    check("a\n  'b", 4, "unterminated quoted string");
    check("a ! b", 2, "unexpected character after '!': ' '");
    check("x[5m x]", 5, "unexpected character: 'x', expected ':'");
    check("x[:5m]", 3, "unexpected colon before duration in duration expression");
    check("x[5m:1m:]", 7, "unexpected colon ':'");
    check("x[[", 2, "unexpected character in duration expression: '['");
    check("x]", 1, "unexpected right bracket ']'");
    check("(x", 2, "unclosed left parenthesis");
    check("x[5m", 4, "unclosed left bracket");
    check("{é", 1, "unexpected character inside braces: 'é'");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "where the data is differs from machine to machine")]
fn the_lexer_table_of_prometheus() {
    let Ok(data) = std::env::var("EVENKEEL_CONFORMANCE_DATA") else {
        println!("conformance promql lexer: 0 ran: EVENKEEL_CONFORMANCE_DATA is not set");
        return;
    };
    let path = std::path::Path::new(&data).join("promql/tables/promql__parser__lex_test.json");
    let table: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let groups = table["tables"][0]["cases"].as_array().unwrap();
    let cases = groups.iter().flat_map(|group| group["tests"].as_array().unwrap());
    let (mut ran, mut skipped, mut wrong) = (0, 0, Vec::new());
    for case in cases {
        // Series descriptions are a language of their own, of test scripts.
        if case["seriesDesc"] == true {
            skipped += 1;
            continue;
        }
        ran += 1;
        let text = match &case["input"] {
            serde_json::Value::String(text) => text.clone(),
            bytes => String::from_utf8_lossy(&unhex(bytes["_bytes_hex"].as_str().unwrap())).into(),
        };
        let found = tokens(&text).unwrap();
        let failed = found.list.last().is_some_and(|token| token.kind == Kind::Error);
        let expected: Vec<_> = case["expected"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|item| item[0]["_id"] != "COMMENT")
            .map(|item| (item[0]["_id"].as_str().unwrap(), item[1].as_u64().unwrap()))
            .collect();
        let fails = case["fail"] == true || expected.iter().any(|(id, _)| *id == "ERROR");
        let shown: Vec<_> = found
            .list
            .iter()
            .filter(|token| token.kind != Kind::End)
            .map(|token| (id(token.kind), token.span.start as u64))
            .collect();
        let same = shown.iter().map(|(id, at)| (id.as_str(), *at)).eq(expected);
        if failed != fails || (!fails && !same) {
            wrong.push(format!("{text:?}: {shown:?} {:?}", found.error));
        }
    }
    println!("conformance promql lexer: {ran} ran, {skipped} skipped");
    assert_eq!(wrong, Vec::<String>::new());
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(text.get(at..at + 2).unwrap(), 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// Prometheus' name of a token.
fn id(kind: Kind) -> String {
    let name = match kind {
        Kind::Op(op) => match op {
            BinaryOp::Equal => "EQLC",
            BinaryOp::NotEqual => "NEQ",
            BinaryOp::Less => "LSS",
            BinaryOp::LessEqual => "LTE",
            BinaryOp::Greater => "GTR",
            BinaryOp::GreaterEqual => "GTE",
            BinaryOp::And => "LAND",
            BinaryOp::Or => "LOR",
            BinaryOp::Unless => "LUNLESS",
            _ => return format!("{op:?}").to_uppercase(),
        },
        Kind::Equal => "EQL",
        Kind::EqualRegex => "EQL_REGEX",
        Kind::NotEqualRegex => "NEQ_REGEX",
        Kind::Aggregate(op) => return op.as_str().to_uppercase(),
        Kind::Keyword(keyword) => {
            let named = Keyword::ALL.into_iter().find(|(_, other)| *other == keyword);
            return named.unwrap().0.to_uppercase();
        }
        _ => {
            let mut name = String::new();
            for char in format!("{kind:?}").chars() {
                if char.is_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.extend(char.to_uppercase());
            }
            return name;
        }
    };
    name.to_owned()
}
