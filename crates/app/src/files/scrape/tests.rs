//! Prometheus' configurations, good and bad, and those of Prometheus' own tests.

use std::path::Path;

use scrape::{Discovery, Protocol, config::Auth};

use super::*;

fn read_text(text: &str) -> Loaded {
    let variable: Variable = |name| (name == "ZONE").then(|| "z1".to_owned());
    let origin = Origin { folder: Path::new("/etc/prometheus"), variable };
    parse("prometheus.yml", text.as_bytes(), origin)
}

fn check(text: &str) -> String {
    let lines: Vec<String> = read_text(text).problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn job(text: &str) -> Job {
    let loaded = read_text(&format!("scrape_configs:\n- job_name: a\n{text}"));
    assert_eq!(loaded.errors(), 0, "{:?}", loaded.problems);
    loaded.config.unwrap().jobs[0].as_ref().clone()
}

#[test]
fn an_empty_file_scrapes_nothing() {
    assert_eq!(read_text("").config.unwrap(), Config::default());
    assert_eq!(read_text("global:\nscrape_configs: []\n").config.unwrap(), Config::default());
}

#[test]
fn jobs_inherit_what_is_global() {
    let text = "
global:
  scrape_interval: 15s
  external_labels: {zone: '${ZONE}', a: $$b}
  sample_limit: 100
  body_size_limit: 10MB
  extra_scrape_metrics: true
  metric_name_validation_scheme: legacy
scrape_configs:
- job_name: a
- job_name: b
  scrape_interval: 5s
  sample_limit: 7
  metric_name_validation_scheme: utf8
  scrape_native_histograms: true
";
    let config = read_text(text).config.unwrap();
    assert_eq!(config.external_labels.to_labels().to_string(), r#"{a="$b", zone="z1"}"#);
    let [a, b] = &*config.jobs else { panic!() };
    assert_eq!(
        (a.interval.as_secs(), a.timeout.as_secs(), b.interval.as_secs(), b.timeout.as_secs()),
        (15, 10, 5, 5)
    );
    assert_eq!((a.limits.samples, b.limits.samples, b.limits.body_bytes), (100, 7, 10 << 20));
    assert_eq!((a.escaping.as_str(), b.escaping.as_str()), ("underscores", "allow-utf-8"));
    assert_eq!(
        (&*a.protocols, &*b.protocols),
        (&Protocol::DEFAULT[..], &Protocol::PROTOBUF_FIRST[..])
    );
    assert!(a.extra_metrics && b.extra_metrics && b.native_histograms);
}

#[test]
fn discovery_and_clients_are_read() {
    let job = job("
  static_configs: [{targets: ['h:1'], labels: {env: prod}}]
  file_sd_configs: [{files: ['targets/*.json', /abs/x.yml], refresh_interval: 10s}]
  http_sd_configs: [{url: 'http://sd.example/x', authorization: {credentials_file: token}}]
  dns_sd_configs: [{names: [a.example], type: A, port: 9100}, {names: [_x._tcp.example]}]
  basic_auth: {username: u, password_file: pw}
  tls_config: {ca_file: ca.pem, server_name: s, min_version: TLS10}
  http_headers: {X-Scope: {values: [a, b], secrets: [c]}}
  params: {b: ['2'], a: [x, y]}
");
    insta::assert_debug_snapshot!((job.discovery, job.http, job.params), @r#"
    (
        [
            Static(
                [
                    Group {
                        source: "0",
                        targets: [
                            LabelSet(
                                [
                                    (
                                        "__address__",
                                        "h:1",
                                    ),
                                ],
                            ),
                        ],
                        labels: LabelSet(
                            [
                                (
                                    "env",
                                    "prod",
                                ),
                            ],
                        ),
                    },
                ],
            ),
            Files {
                patterns: [
                    "/etc/prometheus/targets/*.json",
                    "/abs/x.yml",
                ],
                refresh: 10s,
            },
            Http {
                url: "http://sd.example/x",
                refresh: 60s,
                client: HttpClient {
                    auth: Authorization {
                        kind: "Bearer",
                        credentials: Some(
                            File(
                                "/etc/prometheus/token",
                            ),
                        ),
                    },
                    tls: Tls {
                        ca: None,
                        cert: None,
                        key: None,
                        server_name: None,
                        insecure: false,
                        min: None,
                        max: None,
                    },
                    proxy: None,
                    follow_redirects: true,
                    headers: [],
                },
            },
            Dns {
                names: [
                    "a.example",
                ],
                kind: A,
                port: 9100,
                refresh: 30s,
            },
            Dns {
                names: [
                    "_x._tcp.example",
                ],
                kind: Srv,
                port: 0,
                refresh: 30s,
            },
        ],
        HttpClient {
            auth: Basic {
                username: Some(
                    Inline(
                        <secret>,
                    ),
                ),
                password: Some(
                    File(
                        "/etc/prometheus/pw",
                    ),
                ),
            },
            tls: Tls {
                ca: Some(
                    File(
                        "/etc/prometheus/ca.pem",
                    ),
                ),
                cert: None,
                key: None,
                server_name: Some(
                    "s",
                ),
                insecure: false,
                min: Some(
                    V12,
                ),
                max: None,
            },
            proxy: None,
            follow_redirects: true,
            headers: [
                (
                    "x-scope",
                    [
                        Inline(
                            <secret>,
                        ),
                        Inline(
                            <secret>,
                        ),
                        Inline(
                            <secret>,
                        ),
                    ],
                ),
            ],
        },
        [
            (
                "a",
                [
                    "x",
                    "y",
                ],
            ),
            (
                "b",
                [
                    "2",
                ],
            ),
        ],
    )
    "#);
}

#[test]
fn every_mistake_is_told_at_once() {
    insta::assert_snapshot!(check("
global: {scrape_interval: 5, scrape_timeout: 10m, external_labels: {'': x}, sampel_limit: 1}
scrape_configs:
- job_name: a
  scrape_interval: 5s
  scrape_timeout: 6s
  scheme: https
  honor_labels: perhaps
  body_size_limit: 100
  sample_limit: -1
  bearer_token: s3cret
  bearer_token_file: f
  basic_auth: {username: u, username_file: f}
  authorization: {type: Basic, credentials: s3cret}
  tls_config: {cert_file: c, min_version: TLS13, max_version: TLS12, ca: x, ca_file: y}
  no_proxy: x
  http_headers: {Authorization: {values: [x]}, 'a b': {values: [x]}}
  relabel_configs: [{action: nothing}, {regex: '('}, null, {action: labeldrop, source_labels: [a]}]
  kubernetes_sd_configs: [{role: pod}]
  file_sd_configs: [{}, {files: [a.txt]}]
  http_sd_configs: [{url: 'ftp://x'}]
  dns_sd_configs: [{names: [x], type: A}, {names: [x], type: TXT}, {}]
  oauth2: {client_id: x}
  scrape_protocols: [PrometheusText0.0.4, PrometheusText0.0.4, x]
- job_name: b
  static_configs: [{targets: ['http://bad', 'a:1', '']}]
- job_name: b
- {}
- null
"), @"
    prometheus.yml:2:27: error[E0108]: `scrape_interval` is `5`, which is not a duration; write whole numbers with `ms`, `s`, `m`, `h`, `d`, `w` or `y`, such as `5m` or `1h30m`
    prometheus.yml:2:46: error[E0105]: global scrape timeout greater than scrape interval; a scrape ends before the next one begins
    prometheus.yml:2:69: error[E0107]: `` is not a valid label name; a name is not empty
    prometheus.yml:2:77: error[E0101]: unknown field `sampel_limit` in `global`; did you mean `sample_limit`?
    prometheus.yml:4:3: error[E0106]: at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured; keep one of them
    prometheus.yml:4:3: error[E0106]: if no_proxy is configured, proxy_url must also be configured
    prometheus.yml:6:19: error[E0105]: scrape timeout greater than scrape interval for scrape config with job name `a`; a scrape ends before the next one begins
    prometheus.yml:8:17: error[E0103]: `honor_labels` must be `true` or `false`, not the text `perhaps`
    prometheus.yml:9:20: error[E0105]: `body_size_limit` is `100`, which is not a size; write a number with its unit, such as `10MB` or `512KiB`
    prometheus.yml:10:17: error[E0105]: `sample_limit` is -1; 0 to 9223372036854775807 are allowed
    prometheus.yml:12:22: error[E0106]: at most one of `bearer_token` & `bearer_token_file` must be configured; keep one of them
    prometheus.yml:14:18: error[E0106]: at most one of basic_auth, oauth2 & authorization must be configured; keep one of them
    prometheus.yml:14:18: error[E0106]: authorization is not compatible with bearer_token & bearer_token_file; keep one of them
    prometheus.yml:14:25: error[E0104]: authorization type cannot be set to `basic`; use `basic_auth`
    prometheus.yml:15:15: error[E0105]: `min_version` is above `max_version`
    prometheus.yml:15:15: error[E0106]: a client certificate needs both its certificate and its key; write `cert_file` and `key_file`
    prometheus.yml:15:27: warning[W0702]: `cert_file`: cannot read `/etc/prometheus/c`: No such file or directory (os error 2); requests fail until it is there
    prometheus.yml:15:86: error[E0106]: at most one of `ca`, `ca_file` & `ca_ref` must be configured; keep one of them
    prometheus.yml:17:18: error[E0104]: setting header `authorization` is not allowed; it has a field of its own, or is set by the scrape
    prometheus.yml:17:48: error[E0107]: `a b` is not a header's name
    prometheus.yml:18:30: error[E0703]: unknown relabel action `nothing`; allowed: `replace`, `keep`, `drop`, `keepequal`, `dropequal`, `hashmod`, `labelmap`, `labeldrop`, `labelkeep`, `lowercase` or `uppercase`
    prometheus.yml:18:48: error[E0113]: error parsing regexp: unclosed group; write RE2 syntax; it matches the whole value
    prometheus.yml:18:54: error[E0102]: empty or null target relabeling rule in scrape config; write `action:` and what it needs
    prometheus.yml:18:60: error[E0703]: labeldrop action requires only 'regex', and no other fields
    prometheus.yml:19:26: error[E0702]: `kubernetes_sd_configs`: discovery by kubernetes is not supported yet; use `static_configs`, `file_sd_configs`, `http_sd_configs` or `dns_sd_configs`
    prometheus.yml:20:21: error[E0102]: file service discovery config must contain at least one path name; write `files:`
    prometheus.yml:20:34: error[E0104]: path name `a.txt` is not valid for file discovery; it ends in `.json`, `.yml` or `.yaml`, and `*` may stand in the file's name alone
    prometheus.yml:21:27: error[E0110]: `url` is not an absolute http or https URL; write it like `https://example.com/path`
    prometheus.yml:22:20: error[E0102]: a port is required in DNS-SD configs for all record types except SRV; write `port:`
    prometheus.yml:22:62: error[E0104]: invalid DNS-SD records type `TXT`; allowed: `SRV`, `A`, `AAAA`, `MX` or `NS`
    prometheus.yml:22:68: error[E0102]: DNS-SD config must contain at least one SRV record name; write `names:`
    prometheus.yml:23:11: error[E0701]: `oauth2` is not supported yet; use `authorization`, `basic_auth` or `tls_config`
    prometheus.yml:24:43: error[E0112]: duplicated protocol in `scrape_protocols`; keep one of them
    prometheus.yml:24:64: error[E0104]: unknown scrape protocol `x`; supported: `OpenMetricsText0.0.1`, `OpenMetricsText1.0.0`, `PrometheusProto`, `PrometheusText0.0.4` or `PrometheusText1.0.0`
    prometheus.yml:26:20: error[E0704]: `http://bad` is not a valid hostname; write `host:port`, without a scheme or path
    prometheus.yml:26:20: error[E0704]: no address; write `host:port`, without a scheme or path
    prometheus.yml:27:13: error[E0112]: found multiple scrape configs with job name `b`: the first is in prometheus.yml:25; rename one of them
    prometheus.yml:28:3: error[E0102]: job_name is empty; write `job_name:`
    prometheus.yml:29:3: error[E0102]: empty or null scrape config section; write `job_name:` at least
    ");
}

#[test]
fn parts_of_others_are_named() {
    insta::assert_snapshot!(check("
global: {query_log_file: x}
rule_files: [x.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ['a:1']}]}]}
remote_write: [{url: 'http://x'}]
storage: {tsdb: {out_of_order_time_window: 30m}}
scrape_configs: [{job_name: a, scrape_failure_log_file: f}]
"), @"
    prometheus.yml:2:9: warning[W0701]: `query_log_file` has no effect here; failed scrapes stand in the server's log and in `/api/v1/targets`
    prometheus.yml:3:13: warning[W0701]: `rule_files` has no effect here: rules are read from the production repo
    prometheus.yml:4:11: warning[W0701]: `alerting` has no effect here: who is told of an alert stands in `routing.yaml` of the production repo
    prometheus.yml:5:15: warning[W0701]: `remote_write` has no effect here: forwarding is set in the server's own configuration
    prometheus.yml:6:10: warning[W0701]: `storage` has no effect here: retention is set in the server's own configuration
    prometheus.yml:7:57: warning[W0701]: `scrape_failure_log_file` has no effect here; failed scrapes stand in the server's log and in `/api/v1/targets`
    ");
}

#[test]
fn no_secret_is_shown() {
    let loaded = read_text(
        "scrape_configs: [{job_name: a, basic_auth: {username: u, password: s3cret}, proxy_url: 'http://u:s3cret@h'}]",
    );
    let config = loaded.config.unwrap();
    assert!(matches!(config.jobs[0].http.auth, Auth::Basic { .. }));
    let debug = format!("{config:?}");
    assert!(
        !debug.contains("s3cret") && !loaded.shown.contains("s3cret"),
        "{debug}\n{}",
        loaded.shown
    );
}

#[test]
fn included_files_bring_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let main =
        write("main.yml", "scrape_config_files: ['more/*.yml']\nscrape_configs: [{job_name: a}]\n");
    write("more/b.yml", "scrape_configs: [{job_name: b, tls_config: {ca_file: ca.pem}}]\n");
    let loaded = load(&main, |_| None).unwrap();
    let config = loaded.config.unwrap();
    assert_eq!(config.jobs.iter().map(|job| &*job.name).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(loaded.files.len(), 2);
    assert!(format!("{:?}", config.jobs[1].http.tls.ca).contains("more/ca.pem"));
    write("more/c.yml", "scrape_configs: [{job_name: a}]\nglobal: {}\n");
    let problems: Vec<String> = load(&main, |_| None)
        .unwrap()
        .problems
        .iter()
        .map(|one| one.to_string().replace(&*folder.path().to_string_lossy(), ""))
        .collect();
    insta::assert_snapshot!(problems.join("\n"), @"
    /more/b.yml:1:54: warning[W0702]: `ca_file`: cannot read `/more/ca.pem`: No such file or directory (os error 2); requests fail until it is there
    /more/c.yml:1:29: error[E0112]: found multiple scrape configs with job name `a`: the first is in /main.yml:2; rename one of them
    /more/c.yml:2:1: error[E0101]: unknown field `global` in the document; allowed: `scrape_configs`
    ");
}

#[test]
fn hostile_text_does_no_harm() {
    use proptest::prelude::*;
    let word = prop::sample::select(vec![
        "global:",
        "scrape_configs:",
        "- job_name: a",
        "  relabel_configs:",
        "  - regex: (",
        "[",
        "{",
        "]",
        "}",
        ": ",
        "\n",
        "null",
        "x",
        "  static_configs: ",
        "targets",
        "!!binary",
        "&a",
        "*a",
        "\"",
        "'",
        "  http_headers: ",
        "0",
        "${",
        "$",
    ]);
    proptest!(|(words in prop::collection::vec(word, 0..40))| {
        read_text(&words.concat());
    });
}

/// Errors that say what we do not speak, not that the file is wrong.
fn is_unsupported(problem: &Problem) -> bool {
    [Code::NOT_SUPPORTED, Code::DISCOVERY].contains(&problem.code)
}

#[test]
fn prometheus_own_configurations_are_taken_and_refused_as_it_does() {
    let Some(root) = std::env::var_os("EVENKEEL_CONFORMANCE_DATA") else {
        println!(
            "conformance scrape configurations: 0 ran, all skipped: EVENKEEL_CONFORMANCE_DATA is not set"
        );
        return;
    };
    let folder = Path::new(&root).join("promtool-rules/config/testdata");
    let table =
        fs::read(Path::new(&root).join("promtool-rules/tables/config__config_test.json")).unwrap();
    let table: serde_json::Value = serde_json::from_slice(&table).unwrap();
    let (mut ran, mut skipped, mut wrong, mut unsupported) = (0, 0, Vec::new(), 0);
    for case in cases(&table, "TestKubernetesSelectors") {
        let name = case["filename"].as_str().unwrap();
        let Ok(loaded) = load(&folder.join(name), |_| None) else {
            skipped += 1;
            continue;
        };
        ran += 1;
        if loaded.errors() == 0 {
            wrong.push(format!("{name} is taken; expected: {}", case["errMsg"]));
        }
    }
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.to_string_lossy();
            name.ends_with(".good.yml")
                || name.contains("scrape_config_") && !name.contains(".bad.")
        })
        .collect();
    names.sort();
    for path in names {
        let loaded = load(&path, |_| None).unwrap();
        ran += 1;
        let errors: Vec<_> =
            loaded.problems.iter().filter(|one| one.severity == Severity::Error).collect();
        if !errors.is_empty() && errors.iter().all(|one| is_unsupported(one)) {
            unsupported += 1;
            println!("{}: {}", path.file_name().unwrap().to_string_lossy(), errors[0]);
        } else {
            wrong.extend(errors.iter().map(|error| error.to_string()));
        }
    }
    println!(
        "conformance scrape configurations: {ran} ran, {skipped} skipped, {unsupported} refused for a discovery or method that is not spoken"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran > 150, "{ran}");
}

#[test]
fn prometheus_own_tables_give_the_same_jobs() {
    let Some(root) = std::env::var_os("EVENKEEL_CONFORMANCE_DATA") else {
        println!(
            "conformance scrape tables: 0 ran, all skipped: EVENKEEL_CONFORMANCE_DATA is not set"
        );
        return;
    };
    let folder = Path::new(&root).join("promtool-rules/config");
    let table =
        fs::read(Path::new(&root).join("promtool-rules/tables/config__config_test.json")).unwrap();
    let table: serde_json::Value = serde_json::from_slice(&table).unwrap();
    let (mut ran, mut skipped) = (0, 0);
    for case in cases(&table, "TestGetScrapeConfigs") {
        let loaded = load(&folder.join(case["configFile"].as_str().unwrap()), |_| None).unwrap();
        if let Some(error) = case["expectedError"].as_str() {
            ran += 1;
            let plain = error.replace('"', "`");
            assert!(
                loaded.problems.iter().any(|one| one.message.contains(&plain)),
                "{error}: {:?}",
                loaded.problems
            );
            continue;
        }
        let Some(config) = loaded.config else {
            // One of its jobs has a discovery that is not spoken.
            assert!(loaded.problems.iter().any(is_unsupported));
            skipped += 1;
            continue;
        };
        let expected = case["expectedResult"].as_array().unwrap();
        assert_eq!(config.jobs.len(), expected.len(), "{}", case["name"]);
        for (job, expected) in config.jobs.iter().zip(expected) {
            ran += 1;
            let expected = if expected["_call"] == "sc" { &expected["args"][0] } else { expected };
            let flag = |name: &str, have: bool| {
                assert_eq!(
                    expected[name].as_bool().unwrap_or(have),
                    have,
                    "{name} of {}",
                    case["name"]
                )
            };
            assert_eq!(expected["JobName"], *job.name, "{}", case["name"]);
            flag("ScrapeNativeHistograms", job.native_histograms);
            flag("AlwaysScrapeClassicHistograms", job.classic_histograms);
            flag("ConvertClassicHistToNHCB", job.convert_classic);
            flag("ExtraScrapeMetrics", job.extra_metrics);
            assert_eq!(expected["ScrapeInterval"], format!("{}s", job.interval.as_secs()));
            match expected["ScrapeProtocols"]["_id"].as_str() {
                Some("DefaultProtoFirstScrapeProtocols") => {
                    assert_eq!(job.protocols, Protocol::PROTOBUF_FIRST)
                }
                Some(_) => assert_eq!(job.protocols, Protocol::DEFAULT),
                None if expected["ScrapeProtocols"].is_array() => {
                    assert_eq!(job.protocols, [Protocol::Text004])
                }
                None => {}
            }
        }
    }
    for case in cases(&table, "TestScrapeConfigNameValidationSettings") {
        ran += 1;
        let file = format!("testdata/{}.yml", case["inputFile"].as_str().unwrap());
        let job = load(&folder.join(file), |_| None).unwrap().config.unwrap().jobs[0].clone();
        let scheme = case["expectScheme"]["_id"].as_str().unwrap();
        assert_eq!(
            format!("model.{:?}Validation", job.scheme_of_names).to_lowercase(),
            scheme.to_lowercase()
        );
        let escaping = case["expectEscaping"]["_id"].as_str().unwrap();
        let expected = match job.escaping.as_str() {
            "dots" => "model.DotsEscaping",
            "values" => "model.ValueEncodingEscaping",
            "underscores" => "model.UnderscoreEscaping",
            _ => "model.NoEscaping",
        };
        assert_eq!(escaping, expected, "{}", case["name"]);
    }
    for case in cases(&table, "TestExtraScrapeMetrics") {
        ran += 1;
        let job = read_text(case["config"].as_str().unwrap()).config.unwrap().jobs[0].clone();
        assert_eq!(case["expectEnabled"], job.extra_metrics);
        assert!(matches!(job.discovery[..], [Discovery::Static(_)]));
    }
    println!("conformance scrape tables: {ran} ran, {skipped} skipped");
}

fn cases<'v>(
    table: &'v serde_json::Value,
    name: &str,
) -> impl Iterator<Item = &'v serde_json::Value> {
    let tables = table["tables"].as_array().unwrap();
    tables
        .iter()
        .filter(move |table| table["func"] == name)
        .flat_map(|table| table["cases"].as_array().unwrap())
}
