//! Positions, documents, aliases and limits.

use proptest::prelude::*;

use super::*;

fn check(text: &str) -> String {
    let report = Report::new("f.yaml");
    let documents = parse(text.as_bytes(), &report);
    let mut lines: Vec<String> = documents.iter().map(print).collect();
    lines.extend(report.into_problems().iter().map(ToString::to_string));
    lines.join("\n")
}

fn print(node: &Node) -> String {
    let Position { line, column } = node.at;
    let value = match &node.value {
        Value::Scalar { text, .. } => format!("{text:?}"),
        Value::Sequence(items) => {
            format!("[{}]", items.iter().map(print).collect::<Vec<_>>().join(" "))
        }
        Value::Mapping(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{}={}", print(key), print(value)))
                .collect();
            format!("{{{}}}", entries.join(" "))
        }
    };
    format!("{line}:{column} {value}")
}

#[test]
fn every_node_knows_where_it_stands() {
    insta::assert_snapshot!(check("a:\n  - b: 1\n    é: \"x\"\n  - |\n    two\n    lines\n---\n- z\n"), @r#"
    1:1 {1:1 "a"=2:3 [2:5 {2:5 "b"=2:8 "1" 3:5 "é"=3:8 "x"} 5:5 "two\nlines\n"]}
    8:1 [8:3 "z"]
    "#);
}

#[test]
fn aliases_and_merge_keys_expand() {
    insta::assert_snapshot!(check("a: &x {p: 1, q: 2}\nb: *x\nc:\n  <<: *x\n  q: 3\n"), @r#"
    1:1 {1:1 "a"=1:4 {1:8 "p"=1:11 "1" 1:14 "q"=1:17 "2"} 2:1 "b"=1:4 {1:8 "p"=1:11 "1" 1:14 "q"=1:17 "2"} 3:1 "c"=4:3 {5:3 "q"=5:6 "3" 1:8 "p"=1:11 "1"}}
    "#);
}

#[test]
fn what_cannot_be_read_is_told() {
    insta::assert_snapshot!(check("a: 1\nb: 2\na: 3\n"), @r#"
    1:1 {1:1 "a"=1:4 "1" 2:1 "b"=2:4 "2"}
    f.yaml:3:1: error[E0005]: the key `a` stands twice; first in line 1; keep one of them
    "#);
    insta::assert_snapshot!(check("a: [1, 2\nb: 3\n"), @r"
    f.yaml:2:2: error[E0004]: not YAML: illegal placement of ':' indicator
    ");
    insta::assert_snapshot!(check("ok: 1\n---\na: *nowhere\n"), @r#"
    1:1 {1:1 "ok"=1:5 "1"}
    f.yaml:3:4: error[E0004]: not YAML: while parsing node, found unknown anchor
    "#);
    insta::assert_snapshot!(check("a: &x [*x]\n"), @r"
    f.yaml:1:8: error[E0006]: the alias names no anchor that ends before it; define the anchor earlier in this document
    ");
    insta::assert_snapshot!(check("a: &x 1\n---\nb: *x\n"), @r#"
    1:1 {1:1 "a"=1:4 "1"}
    f.yaml:3:4: error[E0006]: the alias names no anchor that ends before it; define the anchor earlier in this document
    "#);
    insta::assert_snapshot!(check("a: !secret 1\n? [b]\n: 2\n"), @r#"
    1:1 {1:1 "a"=1:4 "1"}
    f.yaml:1:4: error[E0008]: the tag `!secret` is not known; leave it out; `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!seq` and `!!map` are allowed
    f.yaml:2:3: error[E0103]: a key must be a scalar, not a list
    "#);
    insta::assert_snapshot!(check("a: b\0c\n"), @r"
    f.yaml:1:5: error[E0004]: a control character is not allowed in YAML; write it as an escape in a double-quoted scalar
    ");
}

#[test]
fn what_is_not_text_is_told() {
    let report = Report::new("f.yaml");
    assert!(parse(b"a: 1\nb: \xff\n", &report).is_empty());
    assert_eq!(
        report.into_problems()[0].to_string(),
        "f.yaml:2:4: error[E0003]: the file is not UTF-8; save it as UTF-8"
    );
}

#[test]
fn a_billion_laughs_end_at_once() {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..30 {
        let before = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", [before.as_str(); 9].join(", ")));
    }
    insta::assert_snapshot!(check(&text), @r"
    f.yaml:5:5: error[E0007]: the file has more than 100000 nodes, its aliases expanded; split the file, or write less by alias
    ");
}

#[test]
fn large_scalars_by_alias_are_limited() {
    let text = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(500_000), "*a, ".repeat(10));
    let found = check(&text);
    assert!(found.contains("aliases add more than 4194304 bytes"), "{found}");
}

#[test]
fn depth_and_size_are_limited() {
    let deep = check(&format!("{}1{}", "[".repeat(65), "]".repeat(65)));
    assert!(deep.contains("more than 64 deep"), "{deep}");
    assert!(!check(&format!("{}1{}", "[".repeat(64), "]".repeat(64))).contains("error"));
    let deep = check(&format!("{}1", "- ".repeat(10_000)));
    assert!(deep.contains("more than 64 deep"), "{deep}");
    let long = check(&"a".repeat(FILE_BYTES_MAX + 1));
    assert!(long.contains("E0002"), "{long}");
    let many = check(&format!("[{}]", "1, ".repeat(NODES_MAX)));
    assert!(many.contains("more than 100000 nodes"), "{many}");
}

#[test]
fn nothing_takes_long() {
    for piece in [
        "[",
        "{",
        "- ",
        "? ",
        "a: ",
        "&a ",
        "*a ",
        "!t ",
        "'",
        "\"",
        "|\n",
        "#",
        "\n",
        "\t",
        ": ",
        "%TAG ! x\n",
        "---\n",
        "a\n",
        "[a, ",
        "{a: ",
        "\"\\x41",
        "''",
        ">\n a\n",
    ] {
        let text = piece.repeat(FILE_BYTES_MAX / piece.len());
        drop(check(&text));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(parse(&bytes, &Report::new("f")));
    }

    #[test]
    fn no_yaml_like_text_panics(text in r#"([-?:,\[\]{}#&*!|>'"%@` a-c0-9\n\t]|\r\n|<<|---|\.\.\.|é|\\x|: |- ){0,60}"#) {
        drop(parse(text.as_bytes(), &Report::new("f")));
    }
}
