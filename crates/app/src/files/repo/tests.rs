//! Whole repos.

use std::{fs, path::Path, sync::LazyLock, time::Duration};

use proptest::prelude::*;

use super::*;

fn files(pairs: &[(&str, &str)]) -> RepoFiles {
    let files = pairs.iter().map(|(path, text)| ((*path).into(), text.as_bytes().to_vec()));
    RepoFiles { files: files.collect(), ..RepoFiles::default() }
}

fn check(files: &RepoFiles) -> String {
    let (_, problems) = super::check(files);
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn directory(path: &str) -> RepoFiles {
    RepoFiles::read_directory(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn thirty_problems_are_reported_at_once() {
    let files = directory("testdata/repo/broken");
    let problems = parse(&files).unwrap_err();
    assert!(problems.len() >= 30, "{}", problems.len());
    insta::assert_snapshot!(check(&files), @r#"
    policies/default.yaml:8:11: error[E0104]: `mode` is `auto`; allowed: `automatic`, `offer` or `off`
    policies/default.yaml:9:22: error[E0105]: `minFailingShare` is 50; allowed: a share from 0 to 1
    policies/default.yaml:11:7: error[E0102]: the field `reason` is missing in `freezes`; write `reason:`
    policies/default.yaml:11:13: error[E0109]: `from` is `2026-12-24`, which is not a time; write RFC 3339, such as `2026-11-23T03:00:00Z`
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
    runbooks/orders.md:2:1: error[E0101]: unknown field `titel` in the document; did you mean `title`? allowed: `title`, `service`, `slo` or `tags`
    runbooks/orders.md:2:1: error[E0102]: the field `title` is missing in the document; write `title:`
    runbooks/search.md:1:1: error[E0601]: the runbook has no front matter; start the file with `---`, `title: ...` and `---`, each on a line of its own
    services/latin.yaml:1:4: error[E0003]: the file is not UTF-8; save it as UTF-8
    services/shop.yaml:5:10: error[E0107]: `Rust` is not a tag; lowercase letters, digits, `+`, `#`, `:` and `-`, up to 63
    services/shop.yaml:10:15: warning[W0903]: no file of this repo declares `component:default/cart`; add the entity, or leave the dependency out
    services/shop.yaml:10:31: error[E0501]: `payment` is not a reference to an entity; write `component:name` or `resource:namespace/name`
    services/shop.yaml:13:7: error[E0111]: `Componet` is not a kind of entity; did you mean `Component`? allowed: `Component`, `API`, `Resource`, `System`, `Domain`, `Group`, `User`, `Location` or `Template`
    services/shop.yaml:20:9: error[E0107]: `name` `search engine` is not a valid name; 1 to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends
    services/shop.yaml:22:12: error[E0110]: `url` is not an absolute http or https URL; write it like `https://example.com/path`
    services/shop.yaml:24:3: error[E0102]: the field `owner` is missing in `spec`; write `owner:`
    services/shop.yaml:24:3: error[E0102]: the field `type` is missing in `spec`; write `type:`
    services/shop.yaml:25:3: warning[W0202]: the field `ownr` in `spec` has no meaning; did you mean `owner`? allowed: `type`, `lifecycle`, `owner`, `system`, `subcomponentOf`, `providesApis`, `consumesApis`, `dependsOn` or `dependencyOf`
    slos/checkout.yaml:6:3: error[E0101]: unknown field `servce` in `spec`; did you mean `service`? allowed: `description`, `service`, `indicator`, `indicatorRef`, `timeWindow`, `budgetingMethod`, `objectives` or `alertPolicies`
    slos/checkout.yaml:6:3: error[E0102]: the field `service` is missing in `spec`; write `service:`
    slos/checkout.yaml:13:59: error[E0101]: unknown field `stauts` in `spec`; did you mean `status`? allowed: `service`, `operation`, `operationPattern`, `environment`, `status`, `latencyUnder`, `latencyOver` or `latencyUnit`
    slos/checkout.yaml:14:20: error[E0104]: `budgetingMethod` is `Occurences`; did you mean `Occurrences`? allowed: `Occurrences`, `Timeslices` or `RatioTimeslices`
    slos/checkout.yaml:16:15: error[E0105]: `target` is 99.9; allowed: at least 0 and below 1
    slos/checkout.yaml:18:17: error[E0108]: `duration` is `30 days`, which is not a duration; write a whole number above 0 and one of `m`, `h`, `d`, `w`, `M`, `Q` or `Y`, such as `28d`
    slos/checkout.yaml:26:12: warning[W0901]: the service `chekout` is not in the catalogue; did you mean `checkout`?
    slos/checkout.yaml:27:17: error[E0203]: there is no SLI `latency` in this repo; add a document of kind `SLI` with this name
    slos/checkout.yaml:30:7: error[E0102]: the field `timeSliceTarget` is missing in `objectives`; write `timeSliceTarget:`
    slos/checkout.yaml:30:7: error[E0102]: the field `timeSliceWindow` is missing in `objectives`; write `timeSliceWindow:`
    slos/counters.yaml:6:12: warning[W0901]: the service `web` is not in the catalogue; add a Component to `services/`
    slos/counters.yaml:17:64: error[E0201]: the query at character 43: `,` or `}` was expected; write a selector such as `http_requests_total{code=~"5.."}`
    slos/tabs.yaml:4:2: error[E0004]: not YAML: tabs disallowed within this context (block indentation)
    "#);
}

#[test]
fn an_empty_repo_tells_nobody() {
    insta::assert_snapshot!(check(&RepoFiles::default()), @".: warning[W0302]: nobody is told of an alert; add `routing.yaml`, in Alertmanager's format");
}

#[test]
fn unknown_names_in_the_top_folder_are_named() {
    let ignored = ["slo/", "rules/", "node_modules/", "README.md", "route.yaml"];
    let ignored = ignored.into_iter().map(String::from).collect();
    let known = files(&[
        ("routing.yaml", "route: {receiver: a}\nreceivers: [{name: a}]\n"),
        ("slos/x.toml", ""),
        ("slos/empty.yaml", "# nothing\n"),
    ]);
    insta::assert_snapshot!(check(&RepoFiles { ignored, ..known }), @r"
    .: warning[W0001]: the file `route.yaml` is not part of a production repo; did you mean `routing.yaml`? allowed: `routing.yaml` or `catalog-info.yaml`
    .: warning[W0001]: the folder `node_modules` is not part of a production repo; allowed: `services`, `slos`, `policies` or `runbooks`
    .: warning[W0001]: the folder `rules` is not read yet
    .: warning[W0001]: the folder `slo` is not part of a production repo; did you mean `slos`? allowed: `services`, `slos`, `policies` or `runbooks`
    slos/empty.yaml: warning[W0002]: the file has no document
    slos/x.toml: warning[W0001]: the file is not read; a repo has YAML in `services`, `slos` and `policies`, Markdown in `runbooks`, and `routing.yaml`
    ");
}

#[test]
fn the_demo_has_no_problem() {
    let files = directory("../../demo/repo");
    let parsed = parse(&files).unwrap_or_else(|_| panic!("{}", check(&files)));
    assert_eq!(parsed.warnings, []);
    let names: Vec<&str> = parsed.repo.slos.iter().map(|slo| slo.name.as_ref()).collect();
    assert!(names.contains(&"checkout-availability"), "{names:?}");
    assert!(parsed.repo.services.len() >= 7 && parsed.repo.routing.is_some());
    assert_eq!(parsed.repo.policies[0].recovery_window, Duration::from_secs(60));
    assert!(!parsed.repo.runbooks.is_empty());
    let owner = parsed.repo.slos.iter().find(|slo| slo.name.as_ref() == "checkout-availability");
    assert_eq!(owner.and_then(|slo| slo.owner.as_deref()), Some("payments"));
}

#[test]
fn the_hash_is_of_the_content() {
    let one = files(&[("routing.yaml", "a"), ("slos/a.yaml", "b")]);
    assert_eq!(one.hash(), one.clone().hash());
    assert_ne!(one.hash(), files(&[("routing.yaml", "ab"), ("slos/a.yaml", "")]).hash());
}

#[test]
fn a_repo_of_many_objects_is_read_in_time() {
    let slo = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../demo/repo/slos/checkout-availability.yaml"),
    )
    .unwrap();
    let mut repo = RepoFiles::default();
    for at in 0..1000 {
        let text = slo
            .replace("checkout-availability", &format!("slo-{at}"))
            .replace("service: checkout", "service: chekout");
        repo.files.insert(format!("slos/{at}.yaml"), text.into_bytes());
    }
    assert_eq!(parse(&repo).unwrap().repo.slos.len(), 1000);
}

/// Every file that the tests know, to be mutated.
static CORPUS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let mut corpus: Vec<_> = directory("testdata/repo/broken").files.into_iter().collect();
    corpus.extend(directory("../../demo/repo").files);
    corpus
});

static DEMO: LazyLock<RepoFiles> = LazyLock::new(|| directory("../../demo/repo"));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_mutation_panics(
        file in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..8usize), 1..6),
    ) {
        let (path, mut bytes) = file.get(&CORPUS).clone();
        let (_, other) = edits[0].0.get(&CORPUS);
        for (from, to, kind) in &edits {
            if bytes.is_empty() || other.is_empty() {
                break;
            }
            let (a, b) = (from.index(bytes.len()), to.index(bytes.len()));
            match kind {
                0 => bytes.truncate(a),
                1 => bytes[a] = bytes[b],
                2 => bytes.swap(a, b),
                3 => drop(bytes.drain(a.min(b)..a.max(b))),
                4 => {
                    let piece: Vec<u8> = bytes[a.min(b)..a.max(b)].to_vec();
                    bytes.splice(a..a, piece);
                }
                5 => {
                    let at = to.index(other.len());
                    bytes.splice(a..a, other[at..].iter().copied().take(80));
                }
                6 => bytes.splice(a..a, *b"\n- {a: [*x, &x ").for_each(drop),
                _ => bytes[a] = *b"\0\xff:{\t-'\""[..].get(b % 8).unwrap(),
            }
        }
        let mut repo = DEMO.clone();
        repo.files.insert(path, bytes);
        drop(check(&repo));
    }

    #[test]
    fn no_bytes_panic_anywhere(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for path in ["routing.yaml", "slos/a.yaml", "services/a.yaml", "policies/a.yaml", "runbooks/a.md"] {
            let mut repo = RepoFiles::default();
            repo.files.insert(path.into(), bytes.clone());
            drop(check(&repo));
        }
    }
}
