//! The configuration as a whole: all problems at once, precedence, and that the reference and the example tell the truth.

use std::{fmt::Write as _, fs, path::Path};

use app::files::Problem;

use super::{read, settings::SETTINGS, *};

const REFERENCE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/configuration-keys.md");
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/evenkeel.yaml");

fn problems(text: &str) -> String {
    let (_, problems) = read::parse("evenkeel.yaml", Path::new("/nowhere"), text.as_bytes());
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

fn config(text: &str) -> Config {
    let (found, problems) = read::parse("evenkeel.yaml", Path::new("/nowhere"), text.as_bytes());
    assert!(problems.is_empty(), "{problems:?}");
    Config::merge(Flags::default(), found, None, "/data".into())
}

#[test]
fn every_problem_is_told_at_once_with_its_place() {
    insta::assert_snapshot!(problems("
listne: 127.0.0.1:1
otlp_grpc_listen: 4317
data_dir: 3
api:
  tokens:
    - name: ci
      token: short
    - token_file: missing
limits:
  max_labels: 0
query: {timeout: 5}
wal: {sync: sometimes}
"), @"
    evenkeel.yaml:2:1: error[E0101]: unknown field `listne` in the document; did you mean `listen`?
    evenkeel.yaml:3:19: error[E0103]: `otlp_grpc_listen` must be text, not the number 4317; put it in quotes
    evenkeel.yaml:4:11: error[E0103]: `data_dir` must be text, not the number 3; put it in quotes
    evenkeel.yaml:8:14: error[E0105]: the token is too short or has other characters; write at least 16 visible ASCII characters; make one with `openssl rand -hex 32`
    evenkeel.yaml:9:7: error[E0102]: the field `name` is missing in `tokens`; write `name:`
    evenkeel.yaml:9:19: error[E0001]: cannot read `/nowhere/missing`: No such file or directory (os error 2)
    evenkeel.yaml:11:15: error[E0105]: `max_labels` is 0; 1 to 1000 are allowed
    evenkeel.yaml:12:18: error[E0108]: `timeout` is `5`, which is not a duration; write whole numbers with `ms`, `s`, `m`, `h`, `d`, `w` or `y`, such as `5m` or `1h30m`
    evenkeel.yaml:13:13: error[E0104]: `sync` is `sometimes`; allowed: `always`, `interval` or `never`
    ");
}

#[test]
fn rollbacks_are_programs_without_a_stranger_s_text_in_a_shell() {
    insta::assert_snapshot!(problems("
acts:
  rollback:
    - service: checkout
      argv: [deploy, --to, '{versoin}']
    - service: '*'
      argv: ['{service}', rollback]
    - service: '*'
      argv: [/bin/sh, -c, 'deploy {version}']
    - service: '*'
      argv: [deploy]
      webhook: {url: 'https://ci.example', signing_key_file: key}
    - argv: []
"), @"
    evenkeel.yaml:5:28: error[E0104]: `{versoin}` is not a placeholder; allowed: `{service}`, `{environment}`, `{version}` or `{from_version}`
    evenkeel.yaml:7:14: error[E0104]: the program's name has a placeholder; name the program; placeholders may stand in its arguments
    evenkeel.yaml:9:27: error[E0104]: a placeholder stands in a shell's text; a version may hold any text; write `[sh, -c, '… \"$1\"', rollback, \"{version}\"]`
    evenkeel.yaml:12:16: error[E0106]: `argv` and `webhook` exclude each other; keep one of `argv` or `webhook`
    evenkeel.yaml:12:62: error[E0001]: cannot read `/nowhere/key`: No such file or directory (os error 2)
    evenkeel.yaml:13:7: error[E0102]: the field `service` is missing in `rollback`; write `service:`
    evenkeel.yaml:13:13: error[E0105]: `argv` has 0 items; write 1 to 100, the program first
    ");
}

#[test]
fn a_rollback_keeps_what_it_was_given() {
    let config = config(
        "acts: {rollback: [{service: 'pay*', environment: production, argv: [deploy, '--to={version}'], timeout: 90s}]}",
    );
    let [Rollback { service, environment, how: How::Program { argv, timeout } }] =
        &*config.rollbacks
    else {
        panic!("{:?}", config.rollbacks);
    };
    assert_eq!((service.as_str(), environment.as_deref()), ("pay*", Some("production")));
    assert_eq!(argv, &["deploy", "--to={version}"]);
    assert_eq!(timeout.as_secs(), 90);
}

#[test]
fn flags_stand_over_the_file_and_the_file_over_defaults() {
    let text = "listen: 127.0.0.1:1\notlp_grpc_listen: off\notlp_http_listen: 127.0.0.1:3\nrepo: production\n";
    let (found, _) = read::parse("f", Path::new("/etc/evenkeel"), text.as_bytes());
    let flags = Flags {
        listen: Some("127.0.0.1:9".parse().unwrap()),
        otlp_http_listen: Some(Listen::Off),
        ..Flags::default()
    };
    let config = Config::merge(flags, found, None, "/data".into());
    assert_eq!(config.server.listen.port(), 9);
    assert_eq!((config.server.otlp_grpc_listen, config.server.otlp_http_listen), (None, None));
    assert_eq!(config.repo.unwrap(), "/etc/evenkeel/production");
    assert_eq!(config.wal_sync, WalSync::Interval);
}

#[test]
fn a_token_may_be_given_as_its_hash() {
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let config = config(&format!("api: {{tokens: [{{name: ci, token_sha256: {hash}}}]}}"));
    assert_eq!(config.server.api_tokens, [server::Token::new("ci", "test")]);
    let digits = "1".repeat(64);
    assert_eq!(problems(&format!("api: {{tokens: [{{name: ci, token_sha256: {digits}}}]}}")), "");
    insta::assert_snapshot!(problems("api: {tokens: [{name: ci, token_sha256: abc}, {name: ci, token_sha256: 'é'}]}"), @r#"
    evenkeel.yaml:1:41: error[E0104]: `token_sha256` is no SHA-256; write the 64 hexadecimal digits that `printf %s "$TOKEN" | sha256sum` prints
    evenkeel.yaml:1:72: error[E0104]: `token_sha256` is no SHA-256; write the 64 hexadecimal digits that `printf %s "$TOKEN" | sha256sum` prints
    "#);
}

#[test]
fn retention_is_an_hour_to_years_or_for_ever() {
    let kept = config("retention: {metrics: 0, logs_and_spans: 2h}\n").retention;
    assert_eq!((kept.metrics.as_secs(), kept.logs_and_spans.as_secs()), (0, 7200));
    insta::assert_snapshot!(problems("retention: {metrics: 5m, logs_and_spans: 20y}"), @"
    evenkeel.yaml:1:22: error[E0105]: `metrics` is 5m; 1h to 3650d are allowed
    evenkeel.yaml:1:42: error[E0105]: `logs_and_spans` is 7300d; 1h to 3650d are allowed
    ");
}

#[test]
fn no_secret_prints_itself() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("token"), "hunter2-hunter2-hunter2\n").unwrap();
    let text = "
api: {tokens: [{name: ci, token: hunter2-hunter2-hunter2}, {name: ana, token_file: token}]}
webhook: {signing_key: whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==}
";
    let (found, problems) = read::parse("f", dir.path(), text.as_bytes());
    assert!(problems.is_empty(), "{problems:?}");
    let config = Config::merge(Flags::default(), found, None, "/data".into());
    let shown = format!("{config:?} {:?}", config.effective());
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVy"), "{shown}");
}

#[test]
fn the_reference_has_the_defaults_that_are_used() {
    let effective = config("").effective();
    for setting in SETTINGS {
        let Some((_, value)) = effective.iter().find(|(key, _)| key == setting.key) else {
            continue;
        };
        if setting.key != "data_dir" {
            assert_eq!(value, setting.default, "{}", setting.key);
        }
    }
    for (key, _) in effective {
        assert!(
            SETTINGS.iter().any(|setting| setting.key == key),
            "`{key}` is not in the reference"
        );
    }
}

#[test]
fn the_reference_is_as_the_code_has_it() {
    let mut text = "<!-- Written by `EVENKEEL_WRITE_DOCS=1 cargo test -p evenkeel the_reference_is`; do not edit. -->\n\n\
                    | key | default | meaning |\n|---|---|---|\n"
        .to_owned();
    for setting in SETTINGS {
        let default = match setting.default {
            "" => String::new(),
            words if words.contains(' ') => words.to_owned(),
            value => format!("`{value}`"),
        };
        writeln!(text, "| `{}` | {default} | {} |", setting.key, setting.about).unwrap();
    }
    if std::env::var_os("EVENKEEL_WRITE_DOCS").is_some() {
        fs::write(REFERENCE, &text).unwrap();
    }
    assert!(
        fs::read_to_string(REFERENCE).unwrap() == text,
        "docs/src/configuration-keys.md is not as the code has it; see its first line"
    );
}

/// The example, and the example with every commented setting switched on.
#[test]
fn the_example_is_a_configuration() {
    let text = fs::read_to_string(EXAMPLE).unwrap();
    assert_eq!(problems(&text), "");
    let uncommented: String = text
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| rest.starts_with("  ") || !rest.starts_with(' '))
                .unwrap_or(line)
        })
        .fold(String::new(), |all, line| all + line + "\n");
    let dir = tempfile::tempdir().unwrap();
    let key = "whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==";
    for (name, secret) in [
        ("api-token", "0123456789abcdef"),
        ("ingest-token", "0123456789abcdef"),
        ("remote-password", "p"),
        ("remote-token", "t"),
        ("remote-ca.pem", "-----BEGIN CERTIFICATE-----"),
    ] {
        fs::write(dir.path().join(name), secret).unwrap();
    }
    for name in ["webhook-key", "rollback-key"] {
        fs::write(dir.path().join(name), key).unwrap();
    }
    let text = uncommented.replace("/etc/evenkeel/secrets/", "");
    let (_, problems) = read::parse("evenkeel.yaml", dir.path(), text.as_bytes());
    assert!(problems.is_empty(), "{problems:?}\n{text}");
    for setting in SETTINGS {
        let name = setting.key.rsplit('.').next().unwrap().trim_end_matches("[]");
        let instead =
            ["token", "token_sha256", "signing_key", "password", "bearer_token"].contains(&name);
        assert!(
            instead || text.contains(&format!("{name}:")),
            "`{}` is not in the example",
            setting.key
        );
    }
}
