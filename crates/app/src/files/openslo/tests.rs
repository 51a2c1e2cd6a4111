//! OpenSLO documents, good and bad.

use super::*;
use crate::files::{
    problem::{Problem, Report, Severity},
    reader::Dialect,
    yaml,
};

/// The SLOs of a file and its problems.
fn read(text: &str) -> (Vec<slo::Slo>, Vec<Problem>) {
    let report = Report::new("s.yaml");
    let documents = yaml::parse(text.as_bytes(), &report);
    let mut objects = Objects::default();
    for document in &documents {
        objects.read(Field::document(document, Dialect::Core, &report));
    }
    let slos = lower(&objects);
    (slos, report.into_problems())
}

fn check(text: &str) -> String {
    let (slos, problems) = read(text);
    let slos = slos.iter().map(|slo| {
        format!(
            "{} ({}) of {}: {} over {}, {}",
            slo.name,
            slo.display_name,
            slo.service,
            slo.objective,
            slo.window,
            slo.indicator.fingerprint()
        )
    });
    let lines: Vec<String> = slos.chain(problems.iter().map(ToString::to_string)).collect();
    lines.join("\n")
}

/// An SLO with this indicator and these objectives.
fn slo(indicator: &str, objectives: &str) -> String {
    format!(
        "apiVersion: openslo/v1\nkind: SLO\nmetadata:\n  name: a\n  annotations: {{evenkeel.dev/environment: prod}}\n\
         spec:\n  service: checkout\n  budgetingMethod: Occurrences\n  timeWindow:\n    - {{duration: 4w, isRolling: true}}\n  \
         indicator:\n    metadata: {{name: i}}\n    spec: {indicator}\n  objectives: {objectives}\n"
    )
}

/// A ratio of two metric sources in flow style.
fn ratio(part: &str, part_source: &str, total_source: &str) -> String {
    format!(
        "{{ratioMetric: {{counter: true, {part}: {{metricSource: {part_source}}}, total: {{metricSource: {total_source}}}}}}}"
    )
}

const SPANS: &str = "{type: Evenkeel/Spans, spec: {service: checkout}}";

#[test]
fn spans_are_counted_by_status_operation_and_latency() {
    let good =
        "{type: Evenkeel/Spans, spec: {operation: POST /order, status: ok, latencyUnder: 300ms}}";
    insta::assert_snapshot!(check(&slo(&ratio("good", good, SPANS), "[{target: 0.999}]")), @r#"a (a) of checkout: 99.9 % over 28 d, spans total(server and consumer spans of checkout in prod) good(server and consumer spans of checkout in prod, operation="POST /order", status not error, at most 300 ms)"#);
    let bad = "{type: Evenkeel/Spans, spec: {status: error}}";
    insta::assert_snapshot!(check(&slo(&ratio("bad", bad, SPANS), "[{targetPercent: 99.5}]")), @"a (a) of checkout: 99.5 % over 28 d, spans total(server and consumer spans of checkout in prod) good(not: server and consumer spans of checkout in prod, status error)");
    let slow = "{type: Evenkeel/Spans, spec: {latencyOver: 1s, operationPattern: 'POST /.*'}}";
    insta::assert_snapshot!(check(&slo(&ratio("bad", slow, SPANS), "[{target: 0.95}]")), @r#"a (a) of checkout: 95 % over 28 d, spans total(server and consumer spans of checkout in prod) good(server and consumer spans of checkout in prod, operation=~"POST /.*", at most 1000 ms)"#);
}

#[test]
fn counters_are_counted_by_selector() {
    let good = "{type: Prometheus, spec: {query: 'sum(rate(x_total{code!~\"5..\"}[5m]))'}}";
    let total = "{type: Prometheus, spec: {query: 'x_total'}}";
    insta::assert_snapshot!(check(&slo(&ratio("good", good, total), "[{target: 0.99}]")), @r#"a (a) of checkout: 99 % over 28 d, counters total({__name__="x_total"}) good({__name__="x_total", code!~"5.."})"#);
    let broken = "{type: Prometheus, spec: {query: 'x_total{code=~}'}}";
    insta::assert_snapshot!(check(&slo(&ratio("good", broken, total), "[{target: 0.99}]")), @r#"s.yaml:13:110: error[E0201]: the query at character 15: a value in quotes was expected; write a selector such as `http_requests_total{code=~"5.."}`"#);
    let more = "{type: Prometheus, spec: {query: 'x / y'}}";
    insta::assert_snapshot!(check(&slo(&ratio("good", more, total), "[{target: 0.99}]")), @"s.yaml:14:16: warning[W0201]: the SLO `a` is accepted, but not evaluated: its query is more than a selector: at character 3: only a selector, or `sum`, `rate` or `increase` of one, can be counted");
}

#[test]
fn a_latency_may_be_a_threshold() {
    let indicator =
        "{thresholdMetric: {metricSource: {type: Evenkeel/Spans, spec: {latencyUnit: ms}}}}";
    insta::assert_snapshot!(check(&slo(indicator, "[{op: lte, value: 250, target: 0.99}]")), @"a (a) of checkout: 99 % over 28 d, spans total(server and consumer spans of checkout in prod) good(server and consumer spans of checkout in prod, at most 250 ms)");
    insta::assert_snapshot!(check(&slo(indicator, "[{op: gt, value: 250, target: 0.99}]")), @"s.yaml:14:16: warning[W0201]: the SLO `a` is accepted, but not evaluated: a latency must be `lte` or `lt` its value");
    insta::assert_snapshot!(check(&slo(indicator, "[{target: 0.99}]")), @r"
    s.yaml:14:16: error[E0102]: the field `op` is missing in `objectives`; write `op:`
    s.yaml:14:16: error[E0102]: the field `value` is missing in `objectives`; write `value:`
    ");
}

#[test]
fn several_objectives_are_several_slos() {
    let bad = "{type: Evenkeel/Spans, spec: {status: error}}";
    let objectives = "[{displayName: Gold, target: 0.999}, {target: 0.99}]";
    insta::assert_snapshot!(check(&slo(&ratio("bad", bad, SPANS), objectives)), @r"
    a-1 (a-1: Gold) of checkout: 99.9 % over 28 d, spans total(server and consumer spans of checkout in prod) good(not: server and consumer spans of checkout in prod, status error)
    a-2 (a-2) of checkout: 99 % over 28 d, spans total(server and consumer spans of checkout in prod) good(not: server and consumer spans of checkout in prod, status error)
    ");
}

#[test]
fn alerts_that_are_out_of_reach_are_named() {
    let bad = "{type: Evenkeel/Spans, spec: {status: error}}";
    let warnings = |objectives| {
        let (slos, problems) = read(&slo(&ratio("bad", bad, SPANS), objectives));
        assert_eq!(slos.len(), 1);
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(warnings("[{target: 0.931}]"), "");
    insta::assert_snapshot!(warnings("[{target: 0.93}]"), @"s.yaml:14:25: warning[W0203]: at 93 % the burn rate is at most 14.3, even when all is bad; this never fires: the page over `1h+5m` (above 14.4); only targets above 93.06 % reach all alerts");
    insta::assert_snapshot!(warnings("[{targetPercent: 80}]"), @"s.yaml:14:32: warning[W0203]: at 80 % the burn rate is at most 5.0, even when all is bad; this never fires: the page over `1h+5m` (above 14.4), the page over `6h+30m` (above 6); only targets above 93.06 % reach all alerts");
    insta::assert_snapshot!(warnings("[{target: 0.5}]"), @"s.yaml:14:25: warning[W0203]: at 50 % the burn rate is at most 2.0, even when all is bad; this never fires: the page over `1h+5m` (above 14.4), the page over `6h+30m` (above 6), the ticket over `1d+2h` (above 3); only targets above 93.06 % reach all alerts");
}

#[test]
fn what_is_not_evaluated_is_named() {
    let bad = "{type: Evenkeel/Spans, spec: {status: error}}";
    let document = slo(&ratio("bad", bad, SPANS), "[{target: 0.999}]");
    let timeslices = document
        .replace("Occurrences", "Timeslices")
        .replace("{target: 0.999}", "{target: 0.999, timeSliceTarget: 0.9, timeSliceWindow: 1m}");
    insta::assert_snapshot!(check(&timeslices), @"s.yaml:1:1: warning[W0201]: the SLO `a` is accepted, but not evaluated: only the budgeting method `Occurrences` is");
    let calendar = document.replace(
        "isRolling: true",
        "calendar: {startTime: 2026-01-01 12:00:00, timeZone: Europe/Warsaw}",
    );
    insta::assert_snapshot!(check(&calendar), @"s.yaml:1:1: warning[W0201]: the SLO `a` is accepted, but not evaluated: calendar-aligned windows are not; rolling ones are");
    insta::assert_snapshot!(check(&document.replace("4w", "1Y")), @"s.yaml:1:1: warning[W0201]: the SLO `a` is accepted, but not evaluated: its window of 365 days is not within 1 to 90");
    insta::assert_snapshot!(check(&document.replace("4w", "1h")), @"s.yaml:1:1: warning[W0201]: the SLO `a` is accepted, but not evaluated: its window is not a whole number of days");
    insta::assert_snapshot!(check(&document.replace("0.999", "0")), @"s.yaml:14:16: warning[W0201]: the SLO `a` is accepted, but not evaluated: a target of 0 is always met");
    let other = "{type: Datadog, spec: {query: x}}";
    insta::assert_snapshot!(check(&slo(&ratio("bad", other, other), "[{target: 0.999}]")), @"s.yaml:14:16: warning[W0201]: the SLO `a` is accepted, but not evaluated: the metric source type `Datadog` is not known here");
    let other = "{metricSourceRef: nowhere, spec: {query: x}}";
    insta::assert_snapshot!(check(&slo(&ratio("bad", other, other), "[{target: 0.999}]")), @"s.yaml:14:16: warning[W0201]: the SLO `a` is accepted, but not evaluated: its metric source has no type");
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = "apiVersion: openslo/v2\nkind: SLO\nmetadata:\n  name: Web Availability\n  labels: {-x: 1}\n  annotations:\n    evenkeel.dev/enviroment: prod\nspec:\n  servce: web\n  budgetingMethod: Occurences\n  timeWindow:\n    - duration: 1x\n      isRolling: yes\n    - duration: 2w\n      isRolling: true\n      calendar: {startTime: soon, timeZone: '?'}\n  indicator:\n    metadata: {}\n    spec:\n      ratioMetric:\n        counter: maybe\n        good: {metricSource: {type: Evenkeel/Spans, spec: {sevice: web, status: bad, latencyUnder: 300}}}\n        bad: {}\n        raw: {metricSource: {spec: {}}}\n        total: []\n  indicatorRef: Other\n  objectives:\n    - {op: gt, target: 99.9, targetPercent: 120}\n    - {}\n  alertPolicies:\n    - {alertPolicyRef: nowhere}\n";
    insta::assert_snapshot!(check(text), @r"
    s.yaml:1:13: error[E0111]: the apiVersion is `openslo/v2`; write `openslo/v1`
    s.yaml:4:9: error[E0107]: `name` `Web Availability` is not a valid name; 1 to 63 lowercase letters, digits and `-`, with a letter or digit at both ends
    s.yaml:5:12: error[E0107]: `-x` is not a label's name; up to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends
    s.yaml:5:16: error[E0103]: `-x` must be text, not the number 1; put it in quotes
    s.yaml:7:5: warning[W0202]: the annotation `evenkeel.dev/enviroment` has no effect; did you mean `evenkeel.dev/environment`? allowed: `evenkeel.dev/environment` or `evenkeel.dev/owner`
    s.yaml:9:3: error[E0101]: unknown field `servce` in `spec`; did you mean `service`? allowed: `description`, `service`, `indicator`, `indicatorRef`, `timeWindow`, `budgetingMethod`, `objectives` or `alertPolicies`
    s.yaml:9:3: error[E0102]: the field `service` is missing in `spec`; write `service:`
    s.yaml:10:20: error[E0104]: `budgetingMethod` is `Occurences`; did you mean `Occurrences`? allowed: `Occurrences`, `Timeslices` or `RatioTimeslices`
    s.yaml:12:5: error[E0105]: `timeWindow` has 2 items; exactly 1 is allowed
    s.yaml:12:7: error[E0106]: the window is neither rolling nor aligned to a calendar; write `isRolling: true` or `calendar:`
    s.yaml:12:17: error[E0108]: `duration` is `1x`, which is not a duration; write a whole number above 0 and one of `m`, `h`, `d`, `w`, `M`, `Q` or `Y`, such as `28d`
    s.yaml:13:18: error[E0103]: `isRolling` must be `true` or `false`, not the text `yes`; write `true`
    s.yaml:16:17: error[E0106]: `calendar` is not allowed when `isRolling` is true; keep one of them
    s.yaml:18:15: error[E0102]: the field `name` is missing in `metadata`; write `name:`
    s.yaml:21:9: error[E0102]: the field `rawType` is missing in `ratioMetric`; write `rawType:`
    s.yaml:21:18: error[E0103]: `counter` must be `true` or `false`, not the text `maybe`
    s.yaml:22:15: error[E0106]: `raw` and `good` exclude each other; keep one of `raw`, `good` or `bad`
    s.yaml:22:60: error[E0101]: unknown field `sevice` in `spec`; did you mean `service`? allowed: `service`, `operation`, `operationPattern`, `environment`, `status`, `latencyUnder`, `latencyOver` or `latencyUnit`
    s.yaml:22:81: error[E0104]: `status` is `bad`; allowed: `ok` or `error`
    s.yaml:22:100: error[E0108]: `latencyUnder` is `300`, which is not a duration; write whole numbers with `ms`, `s`, `m`, `h`, `d`, `w` or `y`, such as `5m` or `1h30m`
    s.yaml:23:14: error[E0102]: the field `metricSource` is missing in `bad`; write `metricSource:`
    s.yaml:24:14: error[E0106]: `total` and `raw` exclude each other; keep one of `total` or `raw`
    s.yaml:24:36: error[E0102]: `spec` is empty; say what to count
    s.yaml:25:16: error[E0103]: `total` must be a mapping, not a list
    s.yaml:26:17: error[E0106]: `indicator` and `indicatorRef` exclude each other; keep one of `indicator` or `indicatorRef`
    s.yaml:26:17: error[E0107]: `indicatorRef` `Other` is not a valid name; 1 to 63 lowercase letters, digits and `-`, with a letter or digit at both ends
    s.yaml:28:12: error[E0106]: `op` is not allowed beside a `ratioMetric`; leave it out; it belongs to a `thresholdMetric`
    s.yaml:28:24: error[E0105]: `target` is 99.9; allowed: at least 0 and below 1
    s.yaml:28:45: error[E0105]: `targetPercent` is 120; allowed: at least 0 and below 100
    s.yaml:28:45: error[E0106]: `target` and `targetPercent` exclude each other; keep one of `target` or `targetPercent`
    s.yaml:29:7: error[E0106]: `objectives` needs one of `target` or `targetPercent`; write exactly one of them
    ");
}

#[test]
fn kinds_and_references_are_checked() {
    insta::assert_snapshot!(check("apiVersion: openslo/v1\nkind: Slo\nmetadata: {name: a}\n"), @"s.yaml:2:7: error[E0111]: `Slo` is not a kind of OpenSLO; did you mean `SLO`? allowed: `SLO`, `SLI`, `DataSource`, `Service`, `AlertPolicy`, `AlertCondition` or `AlertNotificationTarget`");
    insta::assert_snapshot!(check("- 1\n- {}\n"), @r"
    s.yaml:1:3: error[E0103]: the document must be a mapping, not the number 1
    s.yaml:2:3: error[E0102]: the field `apiVersion` is missing in the document; write `apiVersion:`
    s.yaml:2:3: error[E0102]: the field `kind` is missing in the document; write `kind:`
    ");
    let text = slo("{}", "[{target: 0.95}]")
        .replace("indicator:\n    metadata: {name: i}\n    spec: {}", "indicatorRef: web-ratoi");
    let sli = "---\napiVersion: openslo/v1\nkind: SLI\nmetadata: {name: web-ratio}\nspec: ";
    let bad = "{type: Evenkeel/Spans, spec: {status: error}}";
    let text = format!("{text}{sli}{}\n", ratio("bad", bad, SPANS));
    insta::assert_snapshot!(check(&text), @r"
    s.yaml:11:17: error[E0203]: there is no SLI `web-ratoi` in this repo; did you mean `web-ratio`?
    s.yaml:12:16: warning[W0201]: the SLO `a` is accepted, but not evaluated: its indicator is not valid
    ");
    insta::assert_snapshot!(check(&text.replace("ratoi", "ratio")), @"a (a) of checkout: 95 % over 28 d, spans total(server and consumer spans of checkout in prod) good(not: server and consumer spans of checkout in prod, status error)");
}

#[test]
fn alerting_kinds_have_no_effect_but_are_checked() {
    let text = "apiVersion: openslo/v1\nkind: AlertPolicy\nmetadata: {name: p}\nspec:\n  conditions:\n    - kind: AlertCondition\n      metadata: {name: c}\n      spec: {severity: page, condition: {kind: burnrate, op: above, threshold: 2, lookbackWindow: 1h, alertAfter: 0m}}\n  notificationTargets: []\n";
    insta::assert_snapshot!(check(text), @r"
    s.yaml:1:1: warning[W0202]: the AlertPolicy has no effect here; burns page by the SRE workbook's windows; who is told stands in `routing.yaml`
    s.yaml:8:62: error[E0104]: `op` is `above`; allowed: `lte`, `lt`, `gte` or `gt`
    s.yaml:9:24: error[E0102]: `notificationTargets` is empty; write at least 1
    ");
}

/// The published cases, when the environment names where they are.
mod conformance {
    use std::{fs, path::Path};

    use super::*;

    /// `(folder or file, every document of it is valid)`.
    const CASES: [(&str, bool); 11] = [
        ("oslo/test/inputs/validate/v1.yaml", false),
        ("oslo/test/inputs/validate/unknown-field.yaml", false),
        ("oslo/test/inputs/validate/invalid-apiversion.yaml", false),
        ("oslo/test/inputs/validate/mix/2.yaml", false),
        ("oslo/test/inputs/validate/recursive/1.yaml", false),
        ("oslo/test/inputs/fmt", true),
        ("oslo/test/outputs/fmt", true),
        ("oslo/internal/files/testdata/format/two-documents.yaml", true),
        ("oslo/internal/files/testdata/format/list-of-services.yaml", true),
        ("spec/examples", true),
        ("go-sdk/pkg/openslo/v1/examples", true),
    ];

    /// Of other versions than v1, which we read not.
    const SKIPPED: [&str; 4] = ["v1alpha.yaml", "v2alpha.yaml", "mix/1.yaml", "mix/3.yaml"];

    /// Examples that their own validator refuses, because they compare a ratio by `op`.
    const OP_BESIDE_RATIO: &str = "`op` is not allowed beside a `ratioMetric`";

    #[test]
    fn agrees_with_the_published_cases() {
        let Some(root) = environment() else { return };
        let root = Path::new(&root).join("openslo");
        let (mut agree, mut op_only) = (0, 0);
        for (path, valid) in CASES {
            for file in files(&root.join(path)) {
                let (_, problems) = read(&fs::read_to_string(&file).unwrap());
                let errors: Vec<_> =
                    problems.iter().filter(|p| p.severity == Severity::Error).collect();
                if valid
                    && !errors.is_empty()
                    && errors.iter().all(|p| p.message == OP_BESIDE_RATIO)
                {
                    op_only += 1;
                    continue;
                }
                assert_eq!(errors.is_empty(), valid, "{}: {errors:#?}", file.display());
                agree += 1;
            }
        }
        println!(
            "openslo files: {agree} agree, {op_only} refused for `op` beside a ratio as the validator does, {} of other versions skipped",
            SKIPPED.len()
        );
    }

    /// Each number of the validator's own tables at its place in a document.
    #[test]
    fn agrees_with_the_published_numbers() {
        let bad = "{type: Evenkeel/Spans, spec: {status: error}}";
        let indicator = ratio("bad", bad, SPANS);
        let refused = |objective: &str, method: &str| {
            let text = slo(&indicator, &format!("[{objective}]")).replace("Occurrences", method);
            read(&text).1.iter().any(|problem| problem.severity == Severity::Error)
        };
        for (value, valid) in [("0.0", true), ("0.9999", true), ("1.0", false), ("-0.1", false)] {
            assert_eq!(refused(&format!("{{target: {value}}}"), "Occurrences"), !valid, "{value}");
        }
        for (value, valid) in [("0.0", true), ("99.9999", true), ("100.0", false), ("-0.1", false)]
        {
            assert_eq!(
                refused(&format!("{{targetPercent: {value}}}"), "Occurrences"),
                !valid,
                "{value}"
            );
        }
        for (value, valid) in [("0.1", true), ("1.0", true), ("0", false), ("1.1", false)] {
            let objective =
                format!("{{target: 0.9, timeSliceTarget: {value}, timeSliceWindow: 1m}}");
            assert_eq!(refused(&objective, "Timeslices"), !valid, "{value}");
        }
        for (value, valid) in
            [("20.0", true), ("999999999999.9999", true), ("0.0", false), ("-2.0", false)]
        {
            let objective = format!("{{target: 0.95, compositeWeight: {value}}}");
            assert_eq!(refused(&objective, "Occurrences"), !valid, "{value}");
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a test that runs only where the data is")]
    fn environment() -> Option<String> {
        std::env::var("EVENKEEL_CONFORMANCE_DATA").ok()
    }

    fn files(path: &Path) -> Vec<std::path::PathBuf> {
        if path.is_file() {
            return vec![path.to_owned()];
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let yaml = path.extension().is_some_and(|extension| extension == "yaml");
            if path.is_dir() || yaml {
                found.extend(files(&path));
            }
        }
        found
    }
}
