//! SQL over files and memory: what it finds, what it refuses, where it stops.

use std::time::Duration;

use events::{Events, Options, SqlError, SqlLimits};
use model::{Span, Timestamp, Value};
use wal::SimDisk;

use crate::{log, open, options, secs, span};

const ALL: (Timestamp, Timestamp) =
    (Timestamp::from_nanos(i64::MIN), Timestamp::from_nanos(i64::MAX));

async fn ask(store: &Events, text: &str) -> String {
    match store.sql(text, ALL, &SqlLimits::default()).await {
        Ok(answer) => answer.to_string(),
        Err(error) => format!("error: {error}"),
    }
}

fn with(mut span: Span, attributes: &[(&str, Value)]) -> Span {
    span.attributes.extend(attributes.iter().map(|(key, value)| ((*key).into(), value.clone())));
    span
}

/// Rows in a file from before an attribute had a column, in a file after it, and in memory.
fn filled(disk: &SimDisk) -> Events {
    let (store, _) = open(disk, Options { flush_rows: 1 << 20, ..options() });
    // One of many rows has it: no column.
    let first: Vec<Span> = (0..500)
        .map(|number| {
            let span = span("web", number, secs(10));
            if number == 7 {
                let size = ("size", Value::Int(70));
                with(span, &[("region", Value::string("eu")), size])
            } else {
                span
            }
        })
        .collect();
    store.append(secs(10), &first, &[log("web", 1, secs(10))]).unwrap();
    store.flush().unwrap();
    let second: Vec<Span> = (500..600)
        .map(|number| {
            let region = if number % 2 == 0 { "eu" } else { "us" };
            // An attribute whose type is not always the same.
            let size = if number == 501 { Value::string("11") } else { Value::Int(1) };
            with(
                span("cart", number, secs(20)),
                &[("region", Value::string(region)), ("size", size)],
            )
        })
        .collect();
    store.append(secs(20), &second, &[]).unwrap();
    store.flush().unwrap();
    let third = with(span("cart", 600, secs(30)), &[("region", Value::string("us"))]);
    store.append(secs(30), &[third], &[log("cart", 2, secs(30))]).unwrap();
    store
}

#[tokio::test]
async fn finds_attributes_wherever_they_lie() {
    let store = filled(&SimDisk::new(1));
    insta::assert_snapshot!(ask(&store, "SELECT region, count(*) AS n, sum(size) AS s FROM spans GROUP BY region ORDER BY n DESC").await, @r"
    +--------+-----+-----+
    | region | n   | s   |
    +--------+-----+-----+
    |        | 499 |     |
    | eu     | 51  | 120 |
    | us     | 51  | 60  |
    +--------+-----+-----+
    ");
    insta::assert_snapshot!(ask(&store, "SELECT ServiceName, count(*) AS n FROM spans WHERE region = 'eu' AND Timestamp < to_timestamp(15) GROUP BY ServiceName").await, @r"
    +-------------+---+
    | ServiceName | n |
    +-------------+---+
    | web         | 1 |
    +-------------+---+
    ");
    insta::assert_snapshot!(ask(&store, "SELECT Body, SeverityNumber FROM logs ORDER BY Timestamp").await, @r"
    +--------+----------------+
    | Body   | SeverityNumber |
    +--------+----------------+
    | line 1 | 1              |
    | line 2 | 2              |
    +--------+----------------+
    ");
    let trace = span("web", 7, secs(10)).trace_id;
    let of_trace = format!("SELECT count(*) AS n FROM spans WHERE TraceId = '{trace}'");
    insta::assert_snapshot!(ask(&store, &of_trace).await, @r"
    +---+
    | n |
    +---+
    | 3 |
    +---+
    ");
    insta::assert_snapshot!(ask(&store, r#"SELECT "http.route", SpanAttributes FROM spans WHERE SpanId = '0700000000000000'"#).await, @r"
    +------------+----------------+
    | http.route | SpanAttributes |
    +------------+----------------+
    | /checkout  | {region: eu}   |
    +------------+----------------+
    ");
}

#[tokio::test]
async fn merging_changes_no_answer() {
    let disk = SimDisk::new(1);
    let store = filled(&disk);
    let text = "SELECT region, ServiceName, count(*) AS n, sum(size) AS s, min(Duration) AS d FROM spans GROUP BY region, ServiceName ORDER BY 1, 2";
    let before = ask(&store, text).await;
    store.flush().unwrap();
    let late = secs(86_400);
    while store.maintain(late).unwrap() != events::Maintained::default() {}
    assert_eq!(store.stats().spans.files, 1);
    assert_eq!(ask(&store, text).await, before);
}

#[tokio::test]
async fn there_is_no_way_out() {
    let store = filled(&SimDisk::new(1));
    for text in [
        "CREATE TABLE x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '/etc/passwd'",
        "COPY spans TO '/tmp/x.parquet'",
        "INSERT INTO spans SELECT * FROM spans",
        "DROP TABLE spans",
        "SET datafusion.execution.batch_size = 1",
        "SHOW ALL",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'file:///etc/passwd'",
        "SELECT * FROM read_parquet('/etc/passwd')",
        "SELECT * FROM read_csv('http://127.0.0.1/')",
        "SELECT * FROM generate_series(1, 1000000000000)",
        "SELECT * FROM information_schema.df_settings",
        "SELECT version()",
        "PREPARE x AS SELECT 1",
        "EXECUTE x",
        "SELECT",
        "",
        "SELECT 1; SELECT 2",
        "SELECT nothing FROM spans",
    ] {
        let answer = ask(&store, text).await;
        assert!(answer.starts_with("error: "), "{text}: {answer}");
        assert!(!answer.contains('\n') && answer.len() < 600, "{text}: {answer}");
    }
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(ask(&store, &deep).await.starts_with("error: "));
}

#[tokio::test]
async fn limits_are_told_by_their_settings() {
    let store = filled(&SimDisk::new(1));
    let limited = async |limits: SqlLimits, text: &str| match store.sql(text, ALL, &limits).await {
        Ok(answer) => format!(
            "{} {}",
            answer.batches.iter().map(|one| one.num_rows()).sum::<usize>(),
            answer.cut
        ),
        Err(error) => error.to_string(),
    };
    let cross = "SELECT count(*) FROM spans a, spans b, spans c, spans d WHERE a.Duration < b.Duration + c.Duration + d.Duration";
    let time = Duration::from_millis(200);
    let answer = limited(SqlLimits { time, ..SqlLimits::default() }, cross).await;
    assert_eq!(answer, "the query took longer than 0.2 s (query.timeout)");
    let answer = limited(
        SqlLimits { scan_bytes: 100, ..SqlLimits::default() },
        "SELECT count(DISTINCT SpanId) FROM spans",
    )
    .await;
    assert!(answer.contains("query.max_scan_bytes"), "{answer}");
    let answer = limited(
        SqlLimits { memory_bytes: 1000, ..SqlLimits::default() },
        "SELECT SpanId, count(*) FROM spans GROUP BY SpanId",
    )
    .await;
    assert!(answer.contains("query.max_memory_bytes"), "{answer}");
    let answer =
        limited(SqlLimits { rows: 10, ..SqlLimits::default() }, "SELECT SpanId FROM spans").await;
    assert_eq!(answer, "10 true");
}

#[tokio::test]
async fn damage_is_left_out_and_told() {
    let disk = SimDisk::new(1);
    let store = filled(&disk);
    let is_spans = |path: &camino::Utf8PathBuf| {
        path.as_str().contains("spans/") && path.as_str().ends_with("parquet")
    };
    let path = disk.files().into_iter().find(is_spans).unwrap();
    disk.flip(&path, 2000, 4);
    let answer = store
        .sql("SELECT count(DISTINCT SpanId) AS n FROM spans", ALL, &SqlLimits::default())
        .await;
    let answer: Result<_, SqlError> = answer;
    let answer = answer.unwrap();
    assert_eq!(answer.damaged.len(), 1, "{answer}");
    assert!(answer.damaged[0].contains("rows between"), "{:?}", answer.damaged);
}
