//! The index against a plain list of series.

use std::collections::BTreeMap;

use model::MatchOp;
use proptest::prelude::*;

use super::*;

fn labels() -> impl Strategy<Value = Labels> {
    let named = prop::sample::select(vec!["m_bucket", "m_count", "m_sum", "m", "n", "x"]);
    let le = prop::sample::select(vec!["", "0.5", "1", "+Inf", "1e1"]);
    let more = prop::collection::vec(("[abc]", "[xyz]{1,2}"), 0..4);
    (named, le, more).prop_map(|(name, le, more)| {
        let fixed = [("__name__".to_owned(), name.to_owned()), ("le".to_owned(), le.to_owned())];
        Labels::from_pairs(more.into_iter().chain(fixed))
    })
}

fn matchers() -> impl Strategy<Value = Vec<Matcher>> {
    let ops = prop::sample::select(vec![
        MatchOp::Equal,
        MatchOp::NotEqual,
        MatchOp::Regex,
        MatchOp::NotRegex,
    ]);
    let values = prop::sample::select(vec![
        "x", "", "x|y", ".*", ".+", "[yz]", "x.*", "x.+|y", "|x", "(xx)?", "xy|.z", "zz", "nope",
        "m_.*",
    ]);
    let name = prop_oneof![4 => "[abcd]", 1 => Just("__name__".to_owned())];
    let matcher =
        (name, ops, values).prop_map(|(name, op, value)| Matcher::new(name, op, value).unwrap());
    prop::collection::vec(matcher, 0..4)
}

fn model_select(all: &BTreeMap<SeriesId, Labels>, matchers: &[Matcher]) -> RoaringBitmap {
    let passes = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches_labels(labels));
    all.iter().filter(|(_, labels)| passes(labels)).map(|(id, _)| *id).collect()
}

fn check(index: &Index, all: &BTreeMap<SeriesId, Labels>, matchers: &[Matcher]) {
    assert_eq!(index.len(), all.len());
    let expected = model_select(all, matchers);
    assert_eq!(index.select(matchers), expected, "{matchers:?}");
    let mut names: Vec<Arc<str>> = Vec::new();
    let mut values: Vec<Arc<str>> = Vec::new();
    for id in &expected {
        names.extend(all[&id].as_slice().iter().map(|label| Arc::clone(&label.name)));
        values.extend(all[&id].get("a").map(Arc::from));
        assert_eq!(index.labels(id).as_ref(), Some(&all[&id]));
        assert_eq!(index.get(&all[&id]), Some(id));
        assert_eq!(index.reader().label(id, "a"), all[&id].get("a"));
    }
    for list in [&mut names, &mut values] {
        list.sort();
        list.dedup();
    }
    assert_eq!(index.label_names(Some(&expected), usize::MAX), names);
    assert_eq!(index.label_values("a", Some(&expected), usize::MAX), values);
    if matchers.is_empty() {
        assert_eq!(index.label_names(None, usize::MAX), names);
        assert_eq!(index.label_values("a", None, usize::MAX), values);
        assert_eq!(index.values_of("a"), values.len());
        for value in values {
            let series = all.values().filter(|labels| labels.get("a") == Some(&*value)).count();
            assert_eq!(index.count_with("a", &value), series as u64);
        }
    }
}

/// The order must not depend on the way it came about.
fn check_order(index: &Index) {
    let all = index.select(&[]);
    let fresh = Index::new();
    for id in &all {
        fresh.insert_at(&index.labels(id).unwrap(), id).unwrap();
    }
    let arranged = index.arrange(&all);
    assert_eq!(arranged, fresh.arrange(&all));
    assert_eq!(arranged.len() as u64, all.len());
}

proptest! {
    #[test]
    fn selects_what_matches(
        all in prop::collection::btree_set(labels(), 0..60),
        gone in prop::collection::vec(prop::bool::weighted(0.3), 60),
        queries in prop::collection::vec(matchers(), 1..6),
        ask_between: bool,
    ) {
        let index = Index::new();
        let mut kept = BTreeMap::new();
        for (at, labels) in all.iter().enumerate() {
            let (id, new) = index.insert(labels);
            prop_assert!(new);
            prop_assert_eq!(index.insert(labels), (id, false));
            kept.insert(id, labels.clone());
            if at % 7 == 0 {
                index.arrange(&index.select(&[]));
                // Fills the cache with what will be old.
                if ask_between {
                    queries.iter().for_each(|matchers| check(&index, &kept, matchers));
                }
            }
        }
        queries.iter().for_each(|matchers| check(&index, &kept, matchers));
        let removed: RoaringBitmap = kept.keys().copied().zip(&gone).filter(|(_, gone)| **gone).map(|(id, _)| id).collect();
        prop_assert_eq!(index.remove(&removed) as u64, removed.len());
        kept.retain(|id, _| !removed.contains(*id));
        queries.iter().for_each(|matchers| check(&index, &kept, matchers));
        check(&index, &kept, &[]);
        for labels in &all {
            let (id, _) = index.insert(labels);
            kept.insert(id, labels.clone());
        }
        queries.iter().for_each(|matchers| check(&index, &kept, matchers));
        check_order(&index);
        let mut bytes = Vec::new();
        write_series(&mut bytes, &index, kept.keys().copied());
        let mut read = BTreeMap::new();
        let done = read_series(&bytes, &mut |id, labels| { read.insert(id, labels.clone()); }).unwrap();
        prop_assert_eq!(done.series, kept.len() as u64);
        prop_assert_eq!(&read, &kept);
        let loaded = Index::new();
        loaded.load(&bytes, &mut |_, fits| assert!(fits)).unwrap();
        queries.iter().for_each(|matchers| check(&loaded, &kept, matchers));
    }

    #[test]
    fn rubbish_is_passed_over(bytes in prop::collection::vec(any::<u8>(), 0..200), sealed: bool) {
        let mut all = bytes.clone();
        if sealed {
            let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
            let crc = crc32c::crc32c_append(crc32c::crc32c(&length), &bytes);
            all = [&b"ekrs"[..], &length, &crc.to_le_bytes(), &bytes].concat();
        }
        let read = read_series(&all, &mut |_, _| {});
        if let (Ok(read), false) = (read, sealed) {
            prop_assert_eq!(read.damaged_bytes, all.len() as u64);
        }
        assert_eq!(Index::new().load(&all, &mut |_, _| {}).is_ok(), read.is_ok());
    }
}

fn many(index: &Index, count: u32) {
    for at in 0..count {
        let (pod, code) = (format!("pod-{at:06}"), format!("{}", 200 + at % 7));
        let pairs = [("__name__", "up"), ("pod", &pod), ("code", &code), ("job", "api")];
        index.insert(&Labels::from_pairs(pairs));
    }
}

#[test]
fn damage_loses_one_block() {
    let index = Index::new();
    many(&index, 10_000);
    let mut bytes = Vec::new();
    write_series(&mut bytes, &index, 0..10_000);
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    let mut seen = 0;
    let read = read_series(&bytes, &mut |_, _| seen += 1).unwrap();
    assert_eq!((read.series, read.damaged_blocks), (seen, 1));
    assert!(seen > 5_000 && seen < 10_000, "{seen}");
    assert!(read.damaged_bytes < 60_000);
}

#[test]
fn counts_what_is_most() {
    let index = Index::new();
    many(&index, 70);
    index.insert(&Labels::from_pairs([("__name__", "down")]));
    let found = index.cardinality(2);
    assert_eq!((found.series, found.pairs, found.names), (71, 80, 4));
    let shown = |list: &[(Arc<str>, u64)]| format!("{list:?}");
    assert_eq!(shown(&found.by_metric), r#"[("up", 70), ("down", 1)]"#);
    assert_eq!(shown(&found.by_name_values), r#"[("pod", 70), ("code", 7)]"#);
    assert_eq!(shown(&found.by_name_bytes), r#"[("pod", 700), ("code", 210)]"#);
    assert_eq!(format!("{:?}", found.by_pair), r#"[("__name__", "up", 70), ("job", "api", 70)]"#);
    assert_eq!(index.cardinality(0).by_pair, []);
}

#[test]
fn a_histograms_series_are_side_by_side() {
    let index = Index::new();
    let put = |name: &str, method: &str, le: &str| {
        index.insert(&Labels::from_pairs([("__name__", name), ("method", method), ("le", le)]));
    };
    for method in ["get", "put"] {
        for le in ["0.5", "10", "2", "+Inf"] {
            put("d_bucket", method, le);
        }
        put("d_sum", method, "");
        put("d_count", method, "");
        put("c_total", method, "");
    }
    let all = index.select(&[]);
    let shown = index
        .arrange(&all)
        .into_iter()
        .map(|(id, role)| format!("{} {role:?}", index.labels(id).unwrap()));
    let shown = shown.collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(shown, @r#"
    c_total{method="get"} Plain
    c_total{method="put"} Plain
    d_bucket{le="+Inf", method="get"} Lead
    d_bucket{le="10", method="get"} Member
    d_bucket{le="2", method="get"} Member
    d_bucket{le="0.5", method="get"} Member
    d_count{method="get"} Member
    d_sum{method="get"} Plain
    d_bucket{le="+Inf", method="put"} Lead
    d_bucket{le="10", method="put"} Member
    d_bucket{le="2", method="put"} Member
    d_bucket{le="0.5", method="put"} Member
    d_count{method="put"} Member
    d_sum{method="put"} Plain
    "#);
}

#[test]
fn a_series_takes_little_memory() {
    let index = Index::new();
    let count = 50_000;
    for at in 0..count {
        let (target, own) = (at / 1000, at % 1000);
        let pairs = [
            ("__name__", format!("metric_{}", own / 20)),
            ("instance", format!("10.0.0.{target}:9090")),
            ("job", format!("job-{}", target % 10)),
            ("region", format!("region-{}", target % 4)),
            ("service", format!("service-{}", target % 10)),
            ("zone", format!("zone-{}", target % 3)),
            ("method", format!("method-{}", own % 5)),
            ("status", format!("{}", own / 5 % 4)),
            ("env", "prod".to_owned()),
        ];
        index.insert(&Labels::from_pairs(pairs));
    }
    assert!(index.memory() / count < 60, "{} bytes", index.memory() / count);
}

#[test]
fn a_high_id_takes_no_memory_for_those_below() {
    let index = Index::new();
    let labels = Labels::from_pairs([("a", "b")]);
    index.insert_at(&labels, SERIES_ID_MAX).unwrap();
    assert!(index.memory() < 64 << 20, "{}", index.memory());
    assert_eq!(index.labels(SERIES_ID_MAX), Some(labels.clone()));
    assert_eq!(index.arrange(&[SERIES_ID_MAX].into_iter().collect()).len(), 1);
    // The one above has no number after it.
    let mut bytes = Vec::new();
    write_series(&mut bytes, &index, [SERIES_ID_MAX].into_iter());
    assert!(read_series(&bytes, &mut |_, _| ()).is_ok());
    let id = bytes.windows(5).position(|id| id == [0xfe, 0xff, 0xff, 0xff, 0x0f]).unwrap();
    bytes[id] = 0xff;
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[4..8]), &bytes[12..]);
    bytes[8..12].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(read_series(&bytes, &mut |_, _| ()), Err(BlockError));
    assert_eq!(Index::new().load(&bytes, &mut |_, _| ()), Err(BlockError));
}
