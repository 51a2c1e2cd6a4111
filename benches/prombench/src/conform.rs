//! `conform`: black-box runner of Prometheus promqltest `.test` files over remote write and the HTTP API.
use crate::{
    Args, data,
    http::Client,
    query::{almost, num, points},
    sys,
};
use anyhow::{Context, Result, bail};
use regex::Regex;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::PathBuf, sync::LazyLock, time::Duration};

type Labels = BTreeMap<String, String>;
const STALE: u64 = 0x7ff0_0000_0000_0002;
macro_rules! re {
    ($n:ident, $s:expr) => {
        static $n: LazyLock<Regex> = LazyLock::new(|| Regex::new($s).unwrap());
    };
}
re!(INSTANT, r"^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+))?\s*(.+)$");
re!(
    RANGE,
    r"^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$"
);
re!(EXPECT, r"^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$");
re!(RANGEVEC, r"^expect range vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$");
re!(
    ITEM,
    r"^([-+]?(?:[Ii]nf|[Nn]a[Nn]|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))([-+](?:[Ii]nf|[Nn]a[Nn]|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))?(?:x(\d+))?$"
);
re!(AT, r"@\s*([-+]?[0-9][0-9._e]*)");
re!(ABSTIME, r"\b(time|timestamp|minute|hour|day_of_\w+|days_in_month|month|year|ts_of_\w+)\s*\(");

#[derive(Default)]
struct Eval {
    line: usize,
    expr: String,
    start: i64,
    end: i64,
    step: i64,
    range: bool,
    fail: bool,
    ordered: bool,
    expect: Vec<(String, String, String)>,
    scalar: Option<f64>,
    string: Option<String>,
    rangevec: bool,
    series: Vec<(Labels, Vec<Option<f64>>)>,
    native: bool,
}
enum Cmd {
    Clear,
    Load { step: i64, series: Vec<(Labels, Vec<Option<f64>>)>, skipped: Vec<String> },
    Eval(Eval),
}

fn unquote(s: &str) -> Option<(String, usize)> {
    let b: Vec<char> = s.chars().collect();
    let (q, mut i, mut o) = (*b.first()?, 1, Vec::<u8>::new());
    let push = |c: char, o: &mut Vec<u8>| {
        let mut t = [0; 4];
        o.extend_from_slice(c.encode_utf8(&mut t).as_bytes())
    };
    while *b.get(i)? != q {
        if b[i] == '\\' && q != '`' {
            i += 1;
            match *b.get(i)? {
                'n' => o.push(b'\n'),
                't' => o.push(b'\t'),
                'r' => o.push(b'\r'),
                '0' => o.push(0),
                'x' => {
                    o.push(
                        u8::from_str_radix(&b.get(i + 1..i + 3)?.iter().collect::<String>(), 16)
                            .ok()?,
                    );
                    i += 2
                }
                'u' => {
                    push(
                        char::from_u32(
                            u32::from_str_radix(
                                &b.get(i + 1..i + 5)?.iter().collect::<String>(),
                                16,
                            )
                            .ok()?,
                        )?,
                        &mut o,
                    );
                    i += 4
                }
                c => push(c, &mut o),
            }
        } else {
            push(b[i], &mut o)
        }
        i += 1;
    }
    Some((String::from_utf8_lossy(&o).into_owned(), b[..=i].iter().map(|c| c.len_utf8()).sum()))
}
/// `name{a="b"} rest` -> labels and rest. Empty-valued labels are dropped, as in Prometheus.
fn metric(s: &str) -> Option<(Labels, &str)> {
    let mut l = Labels::new();
    let e = s.find(|c: char| c == '{' || c.is_whitespace()).unwrap_or(s.len());
    if e > 0 {
        l.insert("__name__".into(), s[..e].into());
    }
    let mut r = &s[e..];
    if r.starts_with('{') && !r.starts_with("{{") {
        r = r[1..].trim_start();
        while !r.starts_with('}') {
            let k = if r.starts_with(['"', '\'', '`']) {
                let (k, n) = unquote(r)?;
                r = r[n..].trim_start();
                k
            } else {
                let n =
                    r.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':' || c == '.'))?;
                let k = r[..n].to_string();
                r = r[n..].trim_start();
                k
            };
            if let Some(x) = r.strip_prefix('=') {
                let (v, n) = unquote(x.trim_start())?;
                r = x.trim_start()[n..].trim_start();
                if !v.is_empty() {
                    l.insert(k, v);
                }
            } else {
                l.insert("__name__".into(), k);
            }
            r = r.strip_prefix(',').unwrap_or(r).trim_start();
            if r.is_empty() {
                return None;
            }
        }
        r = &r[1..];
    }
    Some((l, r.trim()))
}
fn values(s: &str) -> Option<Vec<Option<f64>>> {
    let n = |s: &str| {
        let t = s.replace('_', "");
        match t.to_ascii_lowercase().as_str() {
            "nan" | "+nan" | "-nan" => Some(f64::from_bits(0x7ff8_0000_0000_0001)),
            _ => t.parse().ok(),
        }
    };
    let mut out = vec![];
    for it in s.split_whitespace() {
        if it == "_" {
            out.push(None)
        } else if let Some(k) = it.strip_prefix("_x") {
            out.extend(vec![None; k.parse().ok()?])
        } else if it == "stale" {
            out.push(Some(f64::from_bits(STALE)))
        } else {
            let c = ITEM.captures(it)?;
            let (mut v, d) = (n(&c[1])?, c.get(2).map_or(Some(0.0), |d| n(d.as_str()))?);
            let flat = c.get(2).is_none();
            for _ in 0..=c.get(3).map_or(Some(0), |k| k.as_str().parse::<usize>().ok())? {
                out.push(Some(v));
                if !flat {
                    v += d
                }
            }
        }
    }
    Some(out)
}
fn parse(text: &str) -> Result<Vec<Cmd>> {
    let lines: Vec<&str> =
        text.lines().map(str::trim).map(|l| if l.starts_with('#') { "" } else { l }).collect();
    let (mut cmds, mut i) = (vec![], 0);
    let dur = |s: &str| sys::duration_ms(s).with_context(|| format!("duration {s}"));
    while i < lines.len() {
        let l = lines[i];
        let body = lines[i + 1..].iter().take_while(|l| !l.is_empty()).count();
        let block = &lines[i + 1..i + 1 + body];
        if l.starts_with("load") {
            let (nhcb, step) = (
                l.starts_with("load_with_nhcb"),
                dur(l.split_whitespace().nth(1).context("load step")?)?,
            );
            let (mut series, mut skipped) = (vec![], vec![]);
            for d in block {
                let name = d.split(['{', ' ', '\t', '@']).next().unwrap_or("").to_string();
                if d.contains("{{")
                    || d.split_whitespace().next().is_some_and(|w| w.ends_with("@st"))
                {
                    skipped
                        .push(metric(d).and_then(|m| m.0.get("__name__").cloned()).unwrap_or(name));
                    continue;
                }
                let (m, r) = metric(d).with_context(|| format!("line {}: {d}", i + 1))?;
                if nhcb {
                    for s in ["_bucket", "_count", "_sum"] {
                        if let Some(b) = m["__name__"].strip_suffix(s) {
                            skipped.push(b.to_string())
                        }
                    }
                }
                series.retain(|s: &(Labels, _)| s.0 != m); // as promqltest: the last definition of a series wins
                series.push((m, values(r).with_context(|| format!("values: {d}"))?));
            }
            cmds.push(Cmd::Load { step, series, skipped });
            i += body;
        } else if l.starts_with("eval") {
            let mut e = Eval { line: i + 1, ..Default::default() };
            if let Some(c) = RANGE.captures(l) {
                (e.start, e.end, e.step, e.range, e.expr) =
                    (dur(&c[2])?, dur(&c[3])?, dur(&c[4])?, true, c[5].into())
            } else if let Some(c) = INSTANT.captures(l) {
                e.start = dur(c.get(2).map_or("0", |m| m.as_str()))?;
                e.end = e.start;
                e.expr = c[3].into()
            } else {
                bail!("line {}: {l}", i + 1)
            }
            match l.split_whitespace().next() {
                Some("eval_fail") => e.fail = true,
                Some("eval_ordered") => e.ordered = true,
                Some("eval_warn") => e.expect.push(("warn".into(), String::new(), String::new())),
                Some("eval_info") => e.expect.push(("info".into(), String::new(), String::new())),
                _ => {}
            }
            for d in block {
                if let Some(c) = RANGEVEC.captures(d) {
                    (e.start, e.end, e.step, e.rangevec) =
                        (dur(&c[1])?, dur(&c[2])?, dur(&c[3])?, true)
                } else if let Some(s) = d.strip_prefix("expect string") {
                    e.string = Some(unquote(s.trim()).context("string")?.0)
                } else if let Some(m) = d.strip_prefix("expected_fail_message") {
                    e.expect.push(("fail".into(), "msg".into(), m.trim().into()))
                } else if let Some(m) = d.strip_prefix("expected_fail_regexp") {
                    e.expect.push(("fail".into(), "regex".into(), m.trim().into()))
                } else if let Some(c) = EXPECT.captures(d) {
                    match &c[1] {
                        "fail" => e.fail = true,
                        "ordered" => e.ordered = true,
                        _ => {}
                    }
                    e.expect.push((
                        c[1].into(),
                        c.get(2).map_or("", |m| m.as_str()).into(),
                        c.get(3).map_or("", |m| m.as_str()).trim().into(),
                    ));
                } else if let Some(v) = scalar(d) {
                    e.scalar = Some(v)
                } else if d.contains("{{") {
                    e.native = true
                } else {
                    let (m, r) = metric(d).with_context(|| format!("line {}: {d}", i + 1))?;
                    e.series.push((m, values(r).with_context(|| format!("values: {d}"))?))
                }
            }
            cmds.push(Cmd::Eval(e));
            i += body;
        } else if l == "clear" {
            cmds.push(Cmd::Clear)
        } else if !l.is_empty() {
            bail!("line {}: {l}", i + 1)
        }
        i += 1;
    }
    Ok(cmds)
}
fn scalar(s: &str) -> Option<f64> {
    if let Some(h) = s.strip_prefix("0x") {
        return i64::from_str_radix(h, 16).ok().map(|v| v as f64);
    }
    s.parse().ok()
}
fn ts(ms: i64) -> String {
    format!("{}{}.{:03}", if ms < 0 { "-" } else { "" }, ms.abs() / 1000, ms.abs() % 1000)
}

/// Ok(None) = pass; Ok(Some(m)) = values right but messages/annotations differ; Err = fail.
fn check(e: &Eval, st: u16, v: &Value, base: i64, lenient: bool) -> Result<Option<String>> {
    let soft = |kind: &str, have: &[String]| -> Option<String> {
        for (_, how, what) in e.expect.iter().filter(|x| x.0 == kind) {
            let ok = match how.as_str() {
                "msg" => have.iter().any(|h| h == what),
                "regex" => Regex::new(what).is_ok_and(|r| have.iter().any(|h| r.is_match(h))),
                _ => !have.is_empty(),
            };
            if !ok {
                return Some(format!("expected {kind} {what:?}, have {have:?}"));
            }
        }
        (e.expect.iter().any(|x| x.0 == format!("no_{kind}")) && !have.is_empty())
            .then(|| format!("unexpected {kind}: {have:?}"))
    };
    let failed = v["status"].as_str() != Some("success");
    if e.fail {
        if !failed {
            bail!("expected failure, got success")
        }
        return Ok(soft("fail", &[v["error"].as_str().unwrap_or("").to_string()]));
    }
    if e.native {
        bail!("native histogram expected: not supported by this harness yet")
    }
    if failed {
        bail!("HTTP {st}: {}", v["error"].as_str().unwrap_or("no JSON error"))
    }
    let (mut kind, mut res) =
        (v["data"]["resultType"].as_str().unwrap_or(""), &v["data"]["result"]);
    if lenient
        && e.scalar.is_some()
        && kind == "vector"
        && res[0]["metric"].as_object().is_some_and(|m| m.is_empty())
    {
        (kind, res) = ("scalar", &res[0]["value"])
    }
    if let Some(s) = &e.string {
        if kind != "string" || res[1].as_str() != Some(s) {
            bail!("expected string {s:?}, got {kind} {res}")
        }
    } else if let Some(x) = e.scalar {
        if kind != "scalar" || !almost(num(res[1].as_str().unwrap_or("")), x, 1e-6) {
            bail!("expected scalar {x}, got {kind} {res}")
        }
    } else {
        let want_kind = if e.range || e.rangevec { "matrix" } else { "vector" };
        if kind != want_kind {
            bail!("expected {want_kind}, got {kind} {res}")
        }
        let mut got = res
            .as_array()
            .context("no result")?
            .iter()
            .map(|s| {
                let l: Labels = s["metric"]
                    .as_object()
                    .map(|o| {
                        o.iter()
                            .map(|(k, v)| (k.clone(), v.as_str().unwrap_or("").to_string()))
                            .collect()
                    })
                    .unwrap_or_default();
                (
                    l,
                    if s["histogram"].is_null() && s["histograms"].is_null() {
                        points(s)
                    } else {
                        vec![(i64::MIN, f64::NAN)]
                    },
                )
            })
            .enumerate()
            .collect::<Vec<_>>();
        for (pos, (l, vals)) in e.series.iter().enumerate() {
            let g = got
                .iter()
                .position(|(_, g)| &g.0 == l)
                .with_context(|| format!("missing series {l:?}; got {res}"))?;
            let (gpos, (_, pts)) = got.remove(g);
            if e.ordered && gpos != pos {
                bail!("{l:?} at position {gpos}, expected {pos}")
            }
            let exp: Vec<(i64, f64)> = vals
                .iter()
                .enumerate()
                .filter_map(|(i, v)| Some((base + e.start + i as i64 * e.step, (*v)?)))
                .collect();
            if exp.len() != pts.len() {
                bail!("{l:?}: expected {} points, got {}: {pts:?}", exp.len(), pts.len())
            }
            for (x, p) in exp.iter().zip(&pts) {
                if (e.range || e.rangevec) && x.0 != p.0 {
                    bail!("{l:?}: expected timestamp {}, got {}", x.0 - base, p.0 - base)
                }
                if !almost(x.1, p.1, 1e-6) {
                    bail!("{l:?}: expected {}, got {}", x.1, p.1)
                }
            }
        }
        if let Some((_, g)) = got.first() {
            bail!("unexpected series {:?} = {:?}", g.0, g.1)
        }
    }
    let list = |k: &str| {
        v[k].as_array()
            .map(|a| a.iter().filter_map(|x| x.as_str().map(String::from)).collect::<Vec<_>>())
            .unwrap_or_default()
    };
    Ok(soft("warn", &list("warnings")).or_else(|| soft("info", &list("infos"))))
}

pub fn run(a: &Args) -> Result<()> {
    let fresh = a.opt("fresh-cmd");
    let root = PathBuf::from(a.str("tmp", "prombench-conform"));
    let (mut total, mut block_no, mut report) = (BTreeMap::<&str, usize>::new(), 0i64, vec![]);
    let mut files: Vec<PathBuf> = fs::read_dir(a.need("dir")?)?
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|x| x == "test"))
        .collect();
    files.sort();
    if let Some(only) = a.opt("only") {
        files.retain(|p| only.split(',').any(|o| p.file_stem().is_some_and(|s| s == o)))
    }
    println!(
        "{:24} {:>5} {:>5} {:>5} {:>7} {:>6} {:>6}",
        "file", "pass", "anno", "fail", "native", "time", "error"
    );
    let spawn = |n: i64| -> Result<Option<sys::Server>> {
        fresh
            .map(|c| sys::Server::spawn(c, sys::free_port(), &root.join(format!("{n}")), true))
            .transpose()
    };
    let mut next = spawn(0)?;
    for f in files {
        let mut n = BTreeMap::<&str, usize>::new();
        let name = f.file_stem().unwrap().to_string_lossy().into_owned();
        let cmds = match parse(&fs::read_to_string(&f)?) {
            Ok(c) => c,
            Err(e) => {
                println!("{name:24} not parsed: {e:#}");
                *total.entry("error").or_default() += 1;
                continue;
            }
        };
        for block in cmds
            .split(|c| matches!(c, Cmd::Clear))
            .filter(|b| b.iter().any(|c| matches!(c, Cmd::Eval(_))))
        {
            // the next block's server starts while this one runs
            let (mut srv, base) = (
                std::mem::replace(&mut next, spawn(block_no + 1)?),
                a.num("base", if fresh.is_some() { 0.0 } else { 1_705_320_000.0 }) as i64 * 1000
                    + if fresh.is_some() { 0 } else { block_no * 7 * 86_400_000 },
            );
            block_no += 1;
            let url = match &mut srv {
                Some(s) => {
                    s.wait_ready(Duration::from_secs(60))?;
                    s.url.clone()
                }
                None => a.need("url")?.to_string(),
            };
            let mut c = Client::new(&url)?;
            let mut skipped: Vec<Regex> = vec![];
            for cmd in block {
                match cmd {
                    Cmd::Clear => {}
                    Cmd::Load { step, series, skipped: sk } => {
                        for s in sk {
                            skipped.push(Regex::new(&format!(r"\b{}\b", regex::escape(s)))?)
                        }
                        let mut buf = vec![];
                        for (l, v) in series {
                            let mut lab = vec![];
                            for (k, v) in l {
                                data::put_label(&mut lab, k, v)
                            }
                            let s: Vec<(i64, f64)> = v
                                .iter()
                                .enumerate()
                                .filter_map(|(i, v)| Some((base + i as i64 * step, (*v)?)))
                                .collect();
                            if !s.is_empty() {
                                data::put_series_samples(&mut buf, &lab, &s)
                            }
                        }
                        let (st, b) = c.remote_write(
                            a.str("path", "/api/v1/write"),
                            &snap::raw::Encoder::new().compress_vec(&buf)?,
                        )?;
                        if st >= 300 {
                            println!(
                                "{name}: load rejected: HTTP {st} {}",
                                String::from_utf8_lossy(&b)
                            );
                        }
                        if let Some(p) = a.opt("flush-path") {
                            c.get(p)?;
                        }
                    }
                    Cmd::Eval(e) => {
                        if !a.has("native")
                            && (e.native
                                || e.expr.contains("{{")
                                || skipped.iter().any(|r| r.is_match(&e.expr)))
                        {
                            *n.entry("native").or_default() += 1;
                            continue;
                        }
                        if base != 0 && ABSTIME.is_match(&e.expr) {
                            *n.entry("time").or_default() += 1;
                            continue;
                        }
                        let expr = if base == 0 {
                            e.expr.clone()
                        } else {
                            AT.replace_all(&e.expr, |c: &regex::Captures| {
                                format!(
                                    "@ {:.3}",
                                    c[1].parse::<f64>().unwrap_or(0.0) + base as f64 / 1000.0
                                )
                            })
                            .into_owned()
                        };
                        let (s, t) = (ts(base + e.start), ts(base + e.end));
                        let r = if e.range {
                            c.form(
                                "/api/v1/query_range",
                                &[
                                    ("query", &expr),
                                    ("start", &s),
                                    ("end", &t),
                                    ("step", &ts(e.step)),
                                    ("nocache", "1"),
                                ],
                            )
                        } else {
                            c.form(
                                "/api/v1/query",
                                &[("query", &expr), ("time", &t), ("nocache", "1")],
                            )
                        };
                        let r = r.and_then(|(st, b)| {
                            check(
                                e,
                                st,
                                &serde_json::from_slice(&b).unwrap_or(Value::Null),
                                base,
                                a.has("lenient-scalar"),
                            )
                        });
                        let k = match &r {
                            Ok(None) => "pass",
                            Ok(Some(_)) => "anno",
                            Err(_) => "fail",
                        };
                        *n.entry(k).or_default() += 1;
                        if k != "pass" {
                            let m = match &r {
                                Ok(m) => m.clone().unwrap_or_default(),
                                Err(e) => format!("{e:#}"),
                            };
                            report.push(format!(
                                "{k} {name}:{} `{}`: {}",
                                e.line,
                                e.expr,
                                m.chars().take(400).collect::<String>()
                            ))
                        }
                    }
                }
            }
        }
        let g = |k: &str| n.get(k).copied().unwrap_or(0);
        println!(
            "{name:24} {:5} {:5} {:5} {:7} {:6} {:6}",
            g("pass"),
            g("anno"),
            g("fail"),
            g("native"),
            g("time"),
            g("error")
        );
        for (k, v) in n {
            *total.entry(k).or_default() += v
        }
    }
    for r in &report {
        println!("{r}")
    }
    println!("{}", json!(total));
    Ok(())
}
