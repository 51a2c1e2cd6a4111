//! Alertmanager configurations, good and bad.

use super::*;
use crate::files::{
    problem::{Problem, Report, Severity},
    reader::Dialect,
    yaml,
};

fn read_text(text: &str) -> (Option<Routing>, Vec<Problem>) {
    let report = Report::new("routing.yaml");
    let documents = yaml::parse(text.as_bytes(), &report);
    let config =
        documents.first().and_then(|node| read(Field::document(node, Dialect::Go, &report)));
    (config, report.into_problems())
}

fn check(text: &str) -> String {
    let (_, problems) = read_text(text);
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn every_mistake_is_told_at_once() {
    insta::assert_snapshot!(check(include_str!("../../../testdata/repo/broken/routing.yaml")), @r#"
    routing.yaml:2:3: error[E0106]: `smtp_auth_password` and `smtp_auth_password_file` exclude each other; keep one of them
    routing.yaml:2:20: error[E0108]: `resolve_timeout` is `5x`, which is not a duration; write whole numbers with `ms`, `s`, `m`, `h`, `d`, `w` or `y`, such as `5m` or `1h30m`
    routing.yaml:3:19: error[E0305]: `smtp_smarthost` is `localhost`; write `host:port`
    routing.yaml:6:3: error[E0101]: unknown field `slack_api_ulr` in `global`; did you mean `slack_api_url`?
    routing.yaml:7:21: error[E0110]: `opsgenie_api_url` is not an absolute http or https URL; write it like `https://example.com/path`
    routing.yaml:11:20: error[E0106]: `basic_auth` and `authorization` exclude each other; keep one of `basic_auth`, `authorization`, `oauth2`, `bearer_token` or `bearer_token_file`
    routing.yaml:11:27: error[E0104]: `type` cannot be `Basic` in `authorization`; use `basic_auth`
    routing.yaml:13:3: error[E0102]: the root route has no receiver; write `receiver:` with the name of the default one
    routing.yaml:13:13: error[E0302]: the root route must not have `matchers`; every alert passes the root; put it in a child route
    routing.yaml:14:13: error[E0302]: the root route must not have `continue: true`; leave it out
    routing.yaml:15:13: error[E0302]: `...` groups by all labels and excludes others; write `[...]` alone
    routing.yaml:16:19: error[E0105]: `group_interval` must not be zero
    routing.yaml:18:17: error[E0304]: there is no receiver `pagers`; did you mean `pager`?
    routing.yaml:19:15: error[E0107]: `0bad` is not a label's name; letters, digits and `_`, not a digit first
    routing.yaml:20:22: error[E0113]: `(` is not a regular expression; write RE2 syntax; it matches the whole value
    routing.yaml:21:27: error[E0301]: `service=="checkout"` is not a matcher: a label's value was expected at character 9; write it like `service="checkout"`
    routing.yaml:22:21: error[E0302]: the label `a` stands twice; keep one of them
    routing.yaml:23:24: error[E0108]: `repeat_interval` is `1h1h`, which is not a duration; write whole numbers with `ms`, `s`, `m`, `h`, `d`, `w` or `y`, such as `5m` or `1h30m`
    routing.yaml:24:17: error[E0304]: there is no receiver `hooks`; did you mean `hook`?
    routing.yaml:25:31: error[E0304]: there is no time interval `weekend`; did you mean `weekends`?
    routing.yaml:25:31: warning[W0301]: `active_time_intervals` has no effect yet: this route notifies at any time
    routing.yaml:28:5: error[E0303]: receivers of kind `pagerduty` are not supported yet; supported are `webhook_configs` and `email_configs`
    routing.yaml:31:15: error[E0110]: `url` is not an absolute http or https URL; write it like `https://example.com/path`
    routing.yaml:31:40: error[E0105]: `max_alerts` is -1; 0 to 9223372036854775807 are allowed
    routing.yaml:32:9: error[E0106]: `webhook_configs` needs one of `url` or `url_file`; write exactly one of them
    routing.yaml:33:8: error[E0103]: `webhook_configs` must be a mapping, not nothing
    routing.yaml:34:11: error[E0112]: the receiver `hook` exists already, in line 29; rename one of them
    routing.yaml:36:9: error[E0102]: `from` is missing, and there is no `global.smtp_from`; write one of them
    routing.yaml:36:9: error[E0102]: `smarthost` is missing, and there is no `global.smtp_smarthost`; write one of them
    routing.yaml:36:9: error[E0306]: `smtp_auth_password` puts a password into the repo; write it to a file on the server, and its path in `auth_password_file`
    routing.yaml:36:14: error[E0102]: `to` is empty
    routing.yaml:36:27: warning[W0301]: `headers` has no effect on e-mail yet
    routing.yaml:36:36: error[E0005]: the header `x-a` stands twice; keep one of them
    routing.yaml:36:56: warning[W0301]: `threading` has no effect on e-mail yet
    routing.yaml:36:73: error[E0104]: `thread_by_date` is `weekly`; allowed: `none` or `daily`
    routing.yaml:37:5: error[E0101]: unknown field `carrier_pigeon_configs` in `receivers`; allowed: `name`, `webhook_configs`, `email_configs`, `discord_configs`, `incidentio_configs`, `pagerduty_configs`, `slack_configs`, `opsgenie_configs`, `wechat_configs`, `pushover_configs`, `victorops_configs`, `sns_configs`, `telegram_configs`, `webex_configs`, `msteams_configs`, `msteamsv2_configs`, `jira_configs`, `rocketchat_configs` or `mattermost_configs`
    routing.yaml:38:5: error[E0102]: the field `name` is missing in `receivers`; write `name:`
    routing.yaml:40:5: warning[W0301]: `inhibit_rules` have no effect yet: both alerts notify
    routing.yaml:40:31: error[E0301]: `severity` is not a matcher: `=`, `!=`, `=~` or `!~` was expected at character 9; write it like `service="checkout"`
    routing.yaml:41:24: error[E0113]: `a` has no regular expression; write one
    routing.yaml:42:5: error[E0101]: unknown field `equals` in `inhibit_rules`; did you mean `equal`? allowed: `name`, `source_match`, `source_match_re`, `source_matchers`, `target_match`, `target_match_re`, `target_matchers` or `equal`
    routing.yaml:46:49: error[E0109]: `end_time` is `9:00`; write `00:00` to `24:00`, in quotes
    routing.yaml:46:58: error[E0109]: `start_time` is not before `end_time`; split a night in two: until `24:00` and from `00:00`
    routing.yaml:47:20: error[E0109]: `friday:monday` ends before it starts; write a weekday or `monday:friday`
    routing.yaml:47:35: error[E0109]: `funday` is not a range of time; write a weekday or `monday:friday`
    routing.yaml:48:25: error[E0109]: `0` is not a range of days; write 1 to 31, -1 to -31 from the month's end, or `1:5`
    routing.yaml:48:30: error[E0109]: `5:1` is not a range of days; write 1 to 31, -1 to -31 from the month's end, or `1:5`
    routing.yaml:48:37: error[E0109]: `-1:1` is not a range of days; write 1 to 31, -1 to -31 from the month's end, or `1:5`
    routing.yaml:49:18: error[E0109]: `13` is not a range of time; write a month, 1 to 12, or `january:march`
    routing.yaml:49:24: error[E0109]: `march:january` ends before it starts; write a month, 1 to 12, or `january:march`
    routing.yaml:50:17: error[E0109]: `2027:2026` ends before it starts; write a year or `2026:2027`
    routing.yaml:50:30: error[E0109]: `soon` is not a range of time; write a year or `2026:2027`
    routing.yaml:51:11: error[E0112]: the time interval `weekends` exists already, in line 44; rename one of them
    "#);
}

#[test]
fn what_has_no_effect_is_named() {
    let text = "templates: [a.tmpl]\nroute:\n  receiver: a\n  routes:\n    - matchers: [a=b]\n      mute_time_intervals: [nights]\nreceivers:\n  - name: a\n    webhook_configs:\n      - url: https://example.com/hook\n        http_config: {proxy_url: http://proxy}\ntime_intervals:\n  - name: nights\n    time_intervals:\n      - times: [{start_time: '22:00', end_time: '24:00'}]\n        weekdays: ['monday:friday', sunday]\n        days_of_month: ['1:5', '-3:-1']\n        months: ['1:3', may]\n        years: [2026]\n        location: Europe/Warsaw\n";
    insta::assert_snapshot!(check(text), @r"
    routing.yaml:1:12: warning[W0301]: `templates` has no effect here: the text of notifications is fixed
    routing.yaml:6:29: warning[W0301]: `mute_time_intervals` has no effect yet: this route notifies at any time
    routing.yaml:11:22: warning[W0301]: `http_config` has no effect yet; webhooks are signed with the server's key instead
    ");
}

#[test]
fn what_go_takes_for_text_and_booleans_is_taken() {
    let text = "route: {receiver: 1, continue: no, group_by: [...]}\nreceivers: [{name: 1, webhook_configs: }]\n";
    assert_eq!(check(text), "");
}

#[test]
fn email_inherits_from_global() {
    let text = "global: {smtp_smarthost: 'mail:25', smtp_from: a@x, smtp_auth_username: u, smtp_auth_password_file: /p}\nroute: {receiver: m}\nreceivers:\n  - name: m\n    email_configs:\n      - to: b@x\n      - {to: c@x, auth_password_file: /q, require_tls: false, smarthost: '[::1]:587'}\n    webhook_configs: [{url: 'https://x/y', max_alerts: 5, timeout: 10s}]\n";
    let (routing, problems) = read_text(text);
    assert_eq!(problems, []);
    let routing = routing.unwrap();
    insta::assert_debug_snapshot!(routing.receiver("m").unwrap().integrations, @r#"
    [
        Webhook(
            Webhook {
                url: "https://x/y",
                send_resolved: true,
                max_alerts: 5,
                timeout: Some(
                    10s,
                ),
            },
        ),
        Email(
            Email {
                to: "b@x",
                from: "a@x",
                smarthost: "mail:25",
                hello: None,
                require_tls: true,
                auth: Some(
                    EmailAuth {
                        username: "u",
                        password_file: "/p",
                    },
                ),
                send_resolved: false,
            },
        ),
        Email(
            Email {
                to: "c@x",
                from: "a@x",
                smarthost: "[::1]:587",
                hello: None,
                require_tls: false,
                auth: Some(
                    EmailAuth {
                        username: "u",
                        password_file: "/q",
                    },
                ),
                send_resolved: false,
            },
        ),
    ]
    "#);
}

#[test]
fn a_password_in_the_repo_is_refused() {
    let text = "global: {smtp_smarthost: 'mail:25', smtp_from: a@x, smtp_auth_password: p}\nroute: {receiver: m}\nreceivers:\n  - name: m\n    email_configs:\n      - to: b@x\n      - {to: c@x, auth_secret: q}\n";
    insta::assert_snapshot!(check(text), @r"
    routing.yaml:6:9: error[E0306]: `smtp_auth_password` puts a password into the repo; write it to a file on the server, and its path in `auth_password_file`
    routing.yaml:7:9: error[E0306]: `auth_secret` puts a password into the repo; write it to a file on the server, and its path in `auth_password_file`
    ");
}

#[test]
fn a_tree_that_is_too_deep_is_refused() {
    let mut routes = "{}".to_owned();
    for _ in 0..30 {
        routes = format!("{{routes: [{routes}]}}");
    }
    let tree = |routes: &str| {
        check(&format!("route: {{receiver: a, routes: [{routes}]}}\nreceivers: [{{name: a}}]\n"))
    };
    assert_eq!(tree(&routes), "");
    let deeper = tree(&format!("{{routes: [{{routes: [{routes}]}}]}}"));
    assert!(deeper.contains("64 deep") || deeper.contains("E0302"), "{deeper}");
}

/// The published cases, when the environment names where they are.
mod conformance {
    use std::{collections::BTreeMap, fs, path::PathBuf};

    use serde_json::Value;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test that runs only where the data is")]
    fn root() -> Option<PathBuf> {
        let root = std::env::var("EVENKEEL_CONFORMANCE_DATA").ok()?;
        Some(PathBuf::from(root).join("alertmanager"))
    }

    fn json(path: PathBuf) -> Value {
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    }

    /// What we refuse although Alertmanager does not: kinds of receivers, and secrets in the repo.
    const OURS: [Code; 2] = [Code::RECEIVER_KIND, Code::SECRET];

    /// Whether anything but an unsupported kind of receiver is wrong.
    fn refused(problems: &[Problem]) -> Option<&Problem> {
        problems
            .iter()
            .find(|problem| problem.severity == Severity::Error && !OURS.contains(&problem.code))
    }

    #[test]
    fn agrees_with_the_verdicts_on_files() {
        let Some(root) = root() else { return };
        let verdicts = json(root.join("oracle-check-config.json"));
        let (mut agree, mut by_name) = (0, 0);
        for case in verdicts["results"].as_array().unwrap() {
            let file = case["file"].as_str().unwrap();
            let (_, problems) = read_text(&fs::read_to_string(root.join(file)).unwrap());
            let unsupported = problems.iter().any(|problem| problem.code == Code::RECEIVER_KIND);
            match (case["ok"].as_bool().unwrap(), refused(&problems)) {
                (true, None) | (false, Some(_)) => agree += 1,
                // Its receiver's own fields are wrong: we refuse the receiver as a whole.
                (false, None) if unsupported => by_name += 1,
                (ok, problem) => panic!("{file}: expected ok: {ok}, found {problem:?}"),
            }
        }
        println!(
            "alertmanager files: {agree} agree, {by_name} refused by the kind of their receiver"
        );
    }

    #[test]
    fn agrees_with_the_tables_on_configurations() {
        let Some(root) = root() else { return };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let config = json(root.join("tables/config__config_test.json"));
        for table in config["tables"].as_array().unwrap() {
            for case in table["cases"].as_array().unwrap() {
                match table["func"].as_str().unwrap() {
                    "TestRootRouteHasNoMatcher" => {
                        let (_, problems) = read_text(case["in"].as_str().unwrap());
                        assert!(refused(&problems).is_some(), "{case}");
                        *counts.entry("root route").or_default() += 1;
                    }
                    "TestEmptyConfigOfIntegration" => {
                        let template = table["vars"]["baseConfigTmpl"].as_str().unwrap();
                        let text = template.replace("%s", case["integration"].as_str().unwrap());
                        let (config, _) = read_text(&text);
                        assert!(config.is_none(), "{case}");
                        *counts.entry("empty receiver").or_default() += 1;
                    }
                    "TestUnmarshalHostPort" => {
                        let address = case["in"].as_str().unwrap();
                        let text = format!(
                            "global: {{smtp_smarthost: {address}}}\nroute: {{receiver: a}}\nreceivers: [{{name: a}}]\n"
                        );
                        let bad = case["err"].as_bool().unwrap_or(false);
                        assert_eq!(read_text(&text).0.is_none(), bad, "{case}");
                        *counts.entry("address").or_default() += 1;
                    }
                    _ => *counts.entry("skipped").or_default() += 1,
                }
            }
        }
        let email = json(root.join("tables/config__notifiers_test.json"));
        for table in email["tables"].as_array().unwrap() {
            if table["func"] != "TestEmailConfig_UnmarshalYAML" {
                continue;
            }
            for case in table["cases"].as_array().unwrap() {
                let item = case["in"].as_str().unwrap().trim().replace('\n', "\n        ");
                let text = format!(
                    "global: {{smtp_smarthost: 'a:1', smtp_from: a}}\nroute: {{receiver: a}}\nreceivers:\n  - name: a\n    email_configs:\n      - {item}\n"
                );
                let (_, problems) = read_text(&text);
                assert_eq!(
                    refused(&problems).is_some(),
                    case["expected"].is_string(),
                    "{case} {problems:?}"
                );
                *counts.entry("e-mail").or_default() += 1;
            }
        }
        println!("alertmanager tables: {counts:?}");
    }

    #[test]
    fn agrees_with_the_tables_on_matchers() {
        let Some(root) = root() else { return };
        let (mut agree, mut closures) = (0, 0);
        for file in
            ["matcher__parse__parse_test", "matcher__compat__parse_test", "pkg__labels__parse_test"]
        {
            let tables = json(root.join(format!("tables/{file}.json")));
            for table in tables["tables"].as_array().unwrap() {
                if !table["func"].as_str().unwrap().contains("Matchers") {
                    continue;
                }
                for case in table["cases"].as_array().unwrap() {
                    let input = case["input"].as_str().unwrap_or("");
                    let found = matchers(input);
                    match (&case["expected"], &case["want"]) {
                        (Value::Array(wanted), _) => {
                            let wanted: Vec<String> = wanted.iter().map(print).collect();
                            let found: Vec<String> =
                                found.unwrap().iter().map(ToString::to_string).collect();
                            assert_eq!(found, wanted, "{input}");
                            agree += 1;
                        }
                        (_, Value::Object(_)) => {
                            assert!(found.is_ok(), "{input}");
                            closures += 1;
                        }
                        // What only one of the two grammars refuses, the other may still take.
                        _ if case["err"].is_string() && file.starts_with("matcher__compat") => {
                            assert!(found.is_err(), "{input}");
                            agree += 1;
                        }
                        _ => {}
                    }
                }
            }
        }
        println!("alertmanager matchers: {agree} agree, {closures} accepted as expected");
    }

    fn print(call: &Value) -> String {
        let args = call["args"].as_array().unwrap();
        let op = match args[1]["_id"].as_str().unwrap() {
            "labels.MatchEqual" => "=",
            "labels.MatchNotEqual" => "!=",
            "labels.MatchRegexp" => "=~",
            _ => "!~",
        };
        format!("{}{op}{:?}", args[2].as_str().unwrap(), args[3].as_str().unwrap())
    }
}
