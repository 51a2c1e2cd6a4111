//! Secrets in every place that telemetry has.
use std::sync::LazyLock;

use super::*;

fn check(text: &str) -> String {
    static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::new);
    let mut out: Box<str> = text.into();
    REDACTOR.text(&mut out, &mut Findings::default());
    out.into()
}

#[test]
fn replaces_known_shapes() {
    let redactor = Redactor::new();
    for (text, expected) in [
        ("key AKIAIOSFODNN7EXAMPLE used", "key [redacted:aws_key] used"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[redacted:github_token]"),
        ("x glpat-abcdefghij0123456789 y", "x [redacted:gitlab_token] y"),
        ("xoxb-123456789012-abcdefABCDEF", "[redacted:slack_token]"),
        (
            "https://hooks.slack.com/services/T0/B0/abc",
            "https://hooks.slack.com/services/[redacted:slack_token]",
        ),
        ("id eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln ok", "id [redacted:jwt] ok"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest",
            "[redacted:private_key]\nrest",
        ),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "[redacted:private_key]"),
        ("sent Bearer abc123def456 to it", "sent Bearer [redacted:bearer] to it"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: [redacted:header]"),
        ("curl -H 'Cookie: sid=1; b=2' http://x", "curl -H 'Cookie: [redacted:header]' http://x"),
        (
            "postgres://app:hunter2@db/shop?x=1",
            "postgres://app:[redacted:url_credentials]@db/shop?x=1",
        ),
        ("redis://:p@ss:w@r:6379", "redis://:[redacted:url_credentials]@r:6379"),
        ("GET /a?token=s3cr3t&b=1", "GET /a?token=[redacted:assignment]&b=1"),
        ("GET /a?access_token=abc&b=1", "GET /a?access_token=[redacted:assignment]&b=1"),
        (
            "SELECT 1 WHERE password = 'hunter2' AND a=1",
            "SELECT 1 WHERE password = [redacted:assignment] AND a=1",
        ),
        (
            r#"{"user":"a","password":"x y","n":1}"#,
            r#"{"user":"a","password":[redacted:assignment],"n":1}"#,
        ),
        ("login failed, password: hunter2", "login failed, password: [redacted:password]"),
        ("using token 4f9a8b7c6d", "using token [redacted:labelled]"),
        ("CREATE USER a IDENTIFIED BY 'pw'", "CREATE USER a IDENTIFIED BY [redacted:sql_password]"),
        (r#"{"password"=>"x"}"#, r#"{"password"=>[redacted:assignment]}"#),
        ("Token:abc123", "Token:[redacted:assignment]"),
        ("token:abc", "token:[redacted:assignment]"),
        (r#"api_key: "x""#, "api_key: [redacted:quoted]"),
        (r#"client_secret: 'x y'"#, "client_secret: [redacted:quoted]"),
        ("password=$x", "password=[redacted:assignment]"),
        ("password=$ecret1 b", "password=[redacted:assignment] b"),
        ("DB_PASS=x", "DB_PASS=[redacted:pass]"),
        (r#"{"pass":"x"}"#, r#"{"pass":[redacted:pass]}"#),
        ("password2=x", "password2=[redacted:assignment]"),
        ("PHPSESSID=a1; b", "PHPSESSID=[redacted:assignment]; b"),
        ("session_id=ab-12", "session_id=[redacted:assignment]"),
        ("pin=1234", "pin=[redacted:pin]"),
        (r#"{"pin":"123456"}"#, r#"{"pin":"[redacted:pin]"}"#),
        (r#""secrets": {"token": ["a", "b"]}"#, r#""secrets": {"token": [redacted:assignment]}"#),
        ("OPENAI sk-proj-abcDEF123_456-x!", "OPENAI [redacted:ai_key]!"),
        ("sk-ant-api03-abcDEF123456", "[redacted:ai_key]"),
        ("npm_abcdefghijklmnopqrstuvwxyz0123456789", "[redacted:npm_token]"),
        ("SG.abcdefghijklmnop.ABCDEFGHIJKLMNOPQRST", "[redacted:sendgrid_key]"),
        ("hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "[redacted:huggingface_token]"),
        ("dop_v1_0123456789abcdef0123", "[redacted:digitalocean_token]"),
        ("AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3", "[redacted:age_key]"),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----\nrest",
            "[redacted:private_key]\nrest",
        ),
        (r#"Authorization => ["Basic dXNlcjpwYXNz"]"#, "Authorization => [redacted:header]"),
        (
            r#"{"authorization":"Basic x","b":"c"}"#,
            r#"{"authorization":"[redacted:header]","b":"c"}"#,
        ),
        (r#"["Basic dXNlcjpwYXNz"]"#, r#"["Basic [redacted:basic]"]"#),
        ("with Basic dXNlcjpwYXNz", "with Basic [redacted:basic]"),
        ("/blob?sv=1&sig=a%2Bb%3D&se=2", "/blob?sv=1&sig=[redacted:url_signature]&se=2"),
        ("login with password hunter2 failed", "login with password [redacted:labelled] failed"),
        ("mysql --password x -u root", "mysql --password [redacted:flag] -u root"),
        (r#"password "x""#, "password [redacted:sql_password]"),
        (
            "jwe eyJhbGciOiJSU0Et.OKOawDo13g.48V1_ALb6U.5eym8TW_c8.XFBoMYUZ x",
            "jwe [redacted:jwt] x",
        ),
        ("dir eyJhbGciOiJkaXIi..48V1_ALb6U.5eym8TW_c8.XFBoMYUZ x", "dir [redacted:jwt] x"),
        ("paid with 4111 1111 1111 1111", "paid with [redacted:credit_card]"),
    ] {
        assert_eq!(check(text), expected);
        let mut again: Box<str> = check(text).into();
        redactor.text(&mut again, &mut Findings::default());
        assert_eq!(&*again, expected, "redacting twice changes nothing");
    }
}

#[test]
fn leaves_what_is_no_secret() {
    for text in [
        "",
        "POST /checkout",
        "invalid token: unexpected end",
        "token expired",
        "WHERE password = ? AND token = $1",
        "https://example.org:8080/a@b",
        "bearer of bad news",
        "the secret sauce",
        "Übertragung läuft",
        "tokens: 5",
        r#"{"usage":{"prompt_tokens":5,"completion_tokens": 7,"total_tokens":12}}"#,
        "max_tokens=4096 input_tokens=5",
        "pinned=1234 spin=5000 pin 12",
        "passed=true compass=north bypass=on pass=12 fail=3 pass=true",
        "First pass: compile",
        "SyntaxError: unexpected token: '<'",
        "unexpected string token: \"foo\"",
        "password reset requested",
        "password is wrong",
        "password=${DB_PASSWORD} token={{x}} secret=<token> pwd=%s token=***",
        "password: ?",
        "basic authentication failed",
        "Basic plan, sig=11, signal=9",
        "the risk-assessment of task-1, disk-0 and sk-learn",
        "npm_config_registry=https://registry.npmjs.org",
        "msg.send.ok",
        "arn:aws:secretsmanager:eu-west-1:1:secret:shop-AbCdEf",
        "eyJust a word.",
        "session.id of a visit",
        "--token-file /run/x",
    ] {
        assert_eq!(check(text), text);
    }
}

#[test]
fn goes_into_nested_values_and_counts_by_rule() {
    let mut counts = Findings::default();
    let mut body = Value::Map(vec![
        ("note".into(), Value::Array(vec![Value::string("AKIAIOSFODNN7EXAMPLE")])),
        (
            "headers".into(),
            Value::Map(vec![("Authorization".into(), Value::Array(vec![Value::string("x")]))]),
        ),
        ("pin.password".into(), Value::Int(1234)),
        ("card".into(), Value::Int(4_111_111_111_111_111)),
        ("AKIAIOSFODNN7EXAMPLE".into(), Value::Int(1)),
        ("has_password".into(), Value::Bool(true)),
    ]);
    Redactor::new().value(&mut body, &mut counts);
    assert_eq!(
        body.to_string(),
        r#"{"note":["[redacted:aws_key]"],"headers":{"Authorization":"[redacted:key]"},"pin.password":"[redacted:key]","card":"[redacted:credit_card]","[redacted:aws_key]":1,"has_password":true}"#
    );
    assert_eq!(format!("{:?}", counts.hidden()), r#"{"aws_key": 2, "credit_card": 1, "key": 2}"#);
}

proptest::proptest! {
    /// Whatever a text is, redaction ends, keeps it valid, and is idempotent.
    #[test]
    fn is_idempotent(text in r#"(password|token|api_key|pass|pin|session_id|cookie|bearer|basic|--secret|eyJ|://|[?]sig=|=>|=|:|@|"|'|\\|[\[\]{}<>$%*&;,-]|invalid | |dXNlcjpwYXNz|[a-z0-9é4]{1,8}){0,24}"#) {
        static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::new);
        let redactor = &*REDACTOR;
        let mut once: Box<str> = text.into();
        redactor.text(&mut once, &mut Findings::default());
        let mut twice = once.clone();
        redactor.text(&mut twice, &mut Findings::default());
        proptest::prop_assert_eq!(once, twice);
    }
}
