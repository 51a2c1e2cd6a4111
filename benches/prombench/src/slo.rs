//! `slo`: cost of evaluating S SLOs written as Sloth-layout Prometheus rules (multi-window multi-burn-rate).
use crate::{
    Args,
    data::{Layout, SERVICES},
    http::Client,
    sys,
};
use anyhow::{Context, Result};
use serde_json::json;
use std::{fmt::Write, fs, path::PathBuf, thread, time::Duration};

pub const WINDOWS: [&str; 8] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"];
/// The three Sloth groups (SLI recordings, meta recordings, page + ticket alerts) of one SLO; {{W}} in the queries is the window.
pub fn sloth_groups(out: &mut String, id: &str, objective: f64, errors: &str, total: &str) {
    let (svc, slo) = id.split_once('-').unwrap_or((id, "slo"));
    let sel = format!(r#"{{sloth_id="{id}", sloth_service="{svc}", sloth_slo="{slo}"}}"#);
    let labels = format!("sloth_id: {id}\n      sloth_service: {svc}\n      sloth_slo: {slo}\n");
    let mut rule = |name: &str, expr: &str, extra: &str| {
        let _ = write!(
            out,
            "  - record: {name}\n    expr: |\n      {expr}\n    labels:\n      {labels}{extra}"
        );
    };
    let budget = 1.0 - objective;
    rule("__group__", &format!("sloth-slo-sli-recordings-{id}"), "");
    for w in WINDOWS {
        let expr = if w == "30d" {
            format!(
                "sum_over_time(slo:sli_error:ratio_rate5m{sel}[30d]) / ignoring (sloth_window) count_over_time(slo:sli_error:ratio_rate5m{sel}[30d])"
            )
        } else {
            format!("({}) / ({})", errors.replace("{{W}}", w), total.replace("{{W}}", w))
        };
        rule(&format!("slo:sli_error:ratio_rate{w}"), &expr, &format!("      sloth_window: {w}\n"));
    }
    rule("__group__", &format!("sloth-slo-meta-recordings-{id}"), "");
    rule("slo:objective:ratio", &format!("vector({objective})"), "");
    rule("slo:error_budget:ratio", &format!("vector(1-{objective})"), "");
    rule("slo:time_period:days", "vector(30)", "");
    rule(
        "slo:current_burn_rate:ratio",
        &format!(
            "slo:sli_error:ratio_rate5m{sel} / on(sloth_id, sloth_slo, sloth_service) group_left slo:error_budget:ratio{sel}"
        ),
        "",
    );
    rule(
        "slo:period_burn_rate:ratio",
        &format!(
            "slo:sli_error:ratio_rate30d{sel} / on(sloth_id, sloth_slo, sloth_service) group_left slo:error_budget:ratio{sel}"
        ),
        "",
    );
    rule(
        "slo:period_error_budget_remaining:ratio",
        &format!("1 - slo:period_burn_rate:ratio{sel}"),
        "",
    );
    rule("sloth_slo_info", "vector(1)", "");
    rule("__group__", &format!("sloth-slo-alerts-{id}"), "");
    let pair = |f: f64, s: &str, l: &str| {
        format!(
            "(max(slo:sli_error:ratio_rate{s}{sel} > ({f} * {budget})) without (sloth_window) and max(slo:sli_error:ratio_rate{l}{sel} > ({f} * {budget})) without (sloth_window))"
        )
    };
    rule(
        "__alert__page",
        &format!("{} or {}", pair(14.4, "5m", "1h"), pair(6.0, "30m", "6h")),
        "      severity: page\n",
    );
    rule(
        "__alert__ticket",
        &format!("{} or {}", pair(3.0, "2h", "1d"), pair(1.0, "6h", "3d")),
        "      severity: ticket\n",
    );
}
/// Turn the markers left by `sloth_groups` into a rule file.
pub fn rule_file(body: &str) -> String {
    let (mut out, mut skip) = (String::from("groups:\n"), false);
    let mut lines = body.lines();
    while let Some(l) = lines.next() {
        match l.strip_prefix("  - record: ") {
            Some("__group__") => {
                lines.next();
                let _ = write!(out, "- name: {}\n  rules:\n", lines.next().unwrap_or("").trim());
                skip = true
            }
            Some(a) if a.starts_with("__alert__") => {
                skip = false;
                let _ = writeln!(out, "  - alert: {}", &a[9..]);
            }
            Some(_) => {
                skip = false;
                out.push_str(l);
                out.push('\n')
            }
            None => {
                if !skip {
                    out.push_str(l);
                    out.push('\n')
                }
            }
        }
    }
    out
}
/// Sum of a metric's samples in a /metrics page, over the lines that contain `part`.
fn scrape_sum(c: &mut Client, metric: &str, part: &str) -> Result<f64> {
    let b = String::from_utf8(c.get("/metrics")?.1)?;
    Ok(b.lines()
        .filter(|l| {
            l.starts_with(metric) && l.contains(part) && !l[metric.len()..].starts_with('_')
        })
        .filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok())
        .filter(|v| !v.is_nan())
        .sum())
}

pub fn run(a: &Args) -> Result<()> {
    let (n, interval) = (a.num("slos", 100.0) as usize, a.dur("interval", "30s"));
    let (families, dir) = (a.num("families", 5.0) as usize, PathBuf::from(a.need("dir")?));
    let mut body = String::new();
    for k in 0..n {
        let (f, svc, method) = (k % families, SERVICES[k / families % 10], k / (families * 10));
        // SLOs beyond families x 10 services reuse the same series under another id
        let (m, q) = (Layout::name(f), format!(r#"service="{svc}""#));
        sloth_groups(
            &mut body,
            &format!("{svc}-availability{k}x{method}"),
            0.999,
            &format!(r#"sum(rate({m}{{{q},status=~"5.."}}[{{{{W}}}}]))"#),
            &format!("sum(rate({m}{{{q}}}[{{{{W}}}}]))"),
        );
    }
    let rules = rule_file(&body);
    fs::write(dir.with_extension("rules.yml"), &rules)?;
    let cfg = |r: &str| format!("global: {{evaluation_interval: {}s}}\n{r}", interval / 1000);
    fs::write(
        dir.with_extension("slo.yml"),
        cfg(&if a.has("norules") {
            String::new()
        } else {
            format!("rule_files: ['{}']\n", dir.with_extension("rules.yml").display())
        }),
    )?;
    if a.has("rules-only") {
        println!("{}", rules.matches("record:").count() + rules.matches("alert:").count());
        return Ok(());
    }
    let cmd = a.need("cmd")?.replace("{config}", &dir.with_extension("slo.yml").to_string_lossy());
    let mut s = sys::Server::spawn(&cmd, sys::free_port(), &dir, false)?;
    let ready =
        s.wait_ready(Duration::from_secs(300)).context("see the .log file beside the data dir")?;
    let cycles = a.num("cycles", 4.0);
    let warm = Duration::from_millis((interval as f64 * a.num("warmup", 1.2)) as u64);
    thread::sleep(warm);
    let mut c = Client::new(&s.url)?;
    // CPU and evaluation counters are read at both ends of whole cycles
    let (c0, i0, m0) = (
        sys::cpu(s.pid()),
        scrape_sum(&mut c, "prometheus_rule_group_iterations_total", "sli-recordings")?,
        scrape_sum(&mut c, "prometheus_rule_group_iterations_missed_total", "sli-recordings")?,
    );
    thread::sleep(Duration::from_millis((interval as f64 * cycles) as u64));
    let cpu = sys::cpu(s.pid()) - c0;
    let (it, missed) = (
        scrape_sum(&mut c, "prometheus_rule_group_iterations_total", "sli-recordings")? - i0,
        scrape_sum(&mut c, "prometheus_rule_group_iterations_missed_total", "sli-recordings")? - m0,
    );
    println!(
        "{}",
        json!({"slos": n, "rules": rules.matches("record:").count() + rules.matches("alert:").count(), "ready_s": ready.as_secs_f64(), "cycles": cycles, "cpu_s_per_interval": cpu / cycles,
        "sli_group_iterations": it, "sli_group_missed": missed, "cpu_s_per_full_cycle": if it > 0.0 { cpu / (it / n as f64) } else { 0.0 }, "last_group_duration_sum_s": scrape_sum(&mut c, "prometheus_rule_group_last_duration_seconds", "")?,
        "eval_failures": scrape_sum(&mut c, "prometheus_rule_evaluation_failures_total", "")?, "rss_mb": sys::vm(s.pid(), "VmRSS:") >> 20, "peak_rss_mb": sys::vm(s.pid(), "VmHWM:") >> 20})
    );
    Ok(())
}
