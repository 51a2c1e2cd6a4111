//! Debian's promtool asks the real binary.

use std::{path::Path, process::Command, time::Duration};

use super::{peer::installed, pushed::push};
use crate::{keep::Kept, unix};

/// What promtool prints; it must succeed.
fn run(promtool: &Path, arguments: &[&str]) -> String {
    let output = Command::new(promtool).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {text}{errors}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_asks_and_is_answered() {
    let Some(promtool) = installed("promtool") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept::new(folder.path(), "http://127.0.0.1:9/");
    let url = kept.start(Duration::from_secs(20)).await.url;
    let now = unix().as_secs();
    push(&url, now, 60).await;
    let asked = tokio::task::spawn_blocking(move || {
        let (start, end) = ((now - 60).to_string(), now.to_string());
        let check = |arguments: &[&str], expected: &[&str]| {
            let text = run(&promtool, arguments);
            for expected in expected {
                assert!(text.contains(expected), "{arguments:?}: {text}");
            }
        };
        let at = format!("--time={now}");
        check(
            &["query", "instant", &at, &url, "level"],
            &["level{at=\"0\", ", "} => 0 @", "} => 1125 @"],
        );
        check(&["query", "instant", &at, &url, "sum(rate(level[30s])) > bool 0"], &["{} =>"]);
        check(&["query", "instant", &at, &url, "1 + 1"], &["scalar: 2"]);
        let span = [format!("--start={start}"), format!("--end={end}")];
        let range = ["query", "range", &span[0], &span[1], "--step=15s", &url, "max(level)"];
        check(&range, &["{} =>", "[", "]"]);
        let series = ["query", "series", "--match=level{at=~\"3|4\"}", &span[0], &span[1], &url];
        check(&series, &["level", "at=\"3\"", "at=\"4\""]);
        check(&["query", "labels", &url, "at"], &["0\n1\n2\n"]);
        let wrong = Command::new(&promtool).args(["query", "instant", &url, "level["]).output();
        let wrong = wrong.unwrap();
        let said = String::from_utf8_lossy(&wrong.stderr);
        assert!(!wrong.status.success() && said.contains("parse error"), "{said}");
        let address = format!("--url={url}");
        // Versions before 2.46 do not know these.
        let help = Command::new(&promtool).args(["check", "--help"]).output().unwrap();
        if String::from_utf8_lossy(&[help.stdout, help.stderr].concat()).contains("check healthy") {
            check(&["check", "healthy", &address], &["SUCCESS"]);
            check(&["check", "ready", &address], &["SUCCESS"]);
        } else {
            println!("promtool: `check healthy` and `check ready` skipped, this version has none");
        }
    });
    asked.await.unwrap();
    kept.stop();
}
