//! The templates of real Kafka brokers' logs, and of web servers', against what a reader expects of them.

use std::{collections::BTreeSet, fs, path::Path};

use model::Timestamp;
use triage::patterns::{Miner, Template, matching};

/// The folder of conformance data, if there is one.
fn data(name: &str) -> Option<std::path::PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the tests' data is named by the environment")]
    let folder = std::env::var("EVENKEEL_CONFORMANCE_DATA").ok();
    let Some(folder) = folder else {
        println!("conformance {name}: skipped, EVENKEEL_CONFORMANCE_DATA is not set");
        return None;
    };
    Some(Path::new(&folder).join(name))
}

/// All files under a folder.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The records of the brokers' logs: what does not begin with a time belongs to the record before.
fn kafka_records(folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    files(folder, &mut paths);
    let mut records: Vec<String> = Vec::new();
    for path in paths.iter().filter(|path| path.to_string_lossy().contains("/logs/")) {
        let first = records.len();
        for line in fs::read_to_string(path).unwrap().lines() {
            match records[first..].last_mut() {
                Some(record) if !line.starts_with("[20") => {
                    record.push('\n');
                    record.push_str(line);
                }
                _ => records.push(line.to_owned()),
            }
        }
    }
    records
}

fn mine(records: &[String]) -> Miner {
    let mut miner = Miner::default();
    records.iter().for_each(|record| miner.observe(record, 0, Timestamp::EPOCH));
    miner
}

/// What source statements say in their records, with how many templates there may be of each: one, or two where the same
/// statement prints one partition or a list of them.
const STATEMENTS: [(&str, usize); 24] = [
    ("sending UpdateMetadata request", 1),
    ("cached leader info", 1),
    ("Rolled new log segment", 1),
    ("Scheduling log segment", 1),
    ("Deleting segment", 1),
    ("Deleting index", 1),
    ("received LeaderAndIsr request PartitionState", 1),
    ("received response", 1),
    ("sending become-follower LeaderAndIsr request", 1),
    ("sending become-leader LeaderAndIsr request", 1),
    ("completed LeaderAndIsr request correlationId", 2),
    ("handling LeaderAndIsr request correlationId", 2),
    ("stopped fetchers as part of become-follower", 1),
    ("truncated logs and checkpointed recovery", 1),
    ("started fetcher to new leader", 1),
    ("Truncating log", 1),
    ("changed state of replica", 1),
    ("] from OfflinePartition to OnlinePartition with leader", 1),
    ("started leader election for partition", 1),
    ("elected leader", 1),
    ("handling stop replica", 2),
    ("leader imbalance ratio", 1),
    ("After leader election, leader cache is updated to", 2),
    ("Not sending request", 1),
];

#[test]
fn the_statements_of_kafka_brokers_are_templates() {
    let Some(folder) = data("logs-kafka") else { return };
    let records = kafka_records(&folder);
    let templates = mine(&records).templates();
    let mut of = STATEMENTS.map(|_| BTreeSet::new());
    for record in records.iter().step_by(3) {
        for ((statement, _), of) in STATEMENTS.iter().zip(&mut of) {
            if record.contains(statement) {
                of.extend(matching(&templates, record).map(|(template, _)| template.to_string()));
            }
        }
    }
    for ((statement, most), of) in STATEMENTS.iter().zip(of) {
        assert!(!of.is_empty() && of.len() <= *most, "{statement}: {of:#?}");
    }
    assert!(templates.len() <= 210, "{} templates", templates.len());
    let top: u64 = templates.iter().take(60).map(Template::count).sum();
    assert!(top * 100 >= records.len() as u64 * 95, "60 templates hold {top} of {}", records.len());
    println!(
        "conformance logs-kafka: {} statements ran, 0 skipped; {} templates",
        STATEMENTS.len(),
        templates.len()
    );
}

#[test]
fn each_record_has_one_template_and_is_its_template_with_its_parameters() {
    let Some(folder) = data("logs-kafka") else { return };
    let records = kafka_records(&folder);
    let templates = mine(&records).templates();
    // Templates are few and records many: every second one will do.
    for record in records.iter().step_by(2) {
        let matching: Vec<_> = matching(&templates, record).collect();
        let [(template, parameters)] = &matching[..] else {
            let texts: Vec<_> = matching.iter().map(|(template, _)| template.to_string()).collect();
            panic!("{record}\nhas {texts:#?}")
        };
        assert_eq!(&template.fill(parameters.iter().map(|it| it.text)), record);
    }
    println!(
        "conformance logs-kafka: {} records ran, {} skipped",
        records.len().div_ceil(2),
        records.len() / 2
    );
}

#[test]
fn access_logs_are_few_templates() {
    let Some(folder) = data("logs-access") else { return };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    for (name, most) in [("apache_logs", 2), ("nginxplus_json_logs", 1)] {
        let path = paths.iter().find(|path| path.ends_with(name)).expect("the data has it");
        let records: Vec<String> =
            fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
        let templates = mine(&records).templates();
        assert!(templates.len() <= most, "{name}: {}", templates.len());
        for record in records.iter().step_by(50) {
            let (template, parameters) =
                matching(&templates, record).next().expect("a template of it");
            assert_eq!(&template.fill(parameters.iter().map(|it| it.text)), record);
        }
        println!("conformance logs-access: {} records ran, 0 skipped", records.len());
    }
}
