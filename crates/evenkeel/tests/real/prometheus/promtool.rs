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

/// Whether this promtool has the command; a printed word when it has not.
fn knows(promtool: &Path, command: &str) -> bool {
    let help = Command::new(promtool).arg("--help").output().unwrap();
    let text = [help.stdout, help.stderr].concat();
    let known = String::from_utf8_lossy(&text).contains(command);
    if !known {
        println!("skipped: this promtool has no `{command}`");
    }
    known
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
        // Newer than Debian's.
        if knows(&promtool, "check healthy") {
            check(&["check", "healthy", &address], &["SUCCESS"]);
            check(&["check", "ready", &address], &["SUCCESS"]);
        }
        if knows(&promtool, "query analyze") {
            let server = format!("--server={url}");
            let analyze = ["query", "analyze", &server, "--type=histogram", "--match=level"];
            // There is no histogram of that name, and promtool says so.
            let said = Command::new(&promtool).args(analyze).output().unwrap();
            let said = String::from_utf8_lossy(&said.stderr).into_owned();
            assert!(!said.contains("bad_data") && !said.contains("server error"), "{said}");
        }
    });
    asked.await.unwrap();
    kept.stop();
}
