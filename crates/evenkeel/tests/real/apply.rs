//! `apply` is all or nothing: a production repo with an error changes neither the configuration nor the journal nor an SLO,
//! whichever way it comes.

use std::{fs, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::{
    http,
    keep::{Kept, SLO, binary, routing},
    now,
};

const RECEIVER: &str = "http://127.0.0.1:9/page";
/// Good by itself; beside it stands one that is not.
const CART: &str = "slos/cart.yaml";
/// An objective of 250 %, and a key that there is not.
const BROKEN: &str = "slos/broken.yaml";

/// What an apply may change.
#[derive(Debug, PartialEq)]
struct State {
    hash: Value,
    facts: Value,
    /// As they are, without the time of the look.
    slos: Vec<Value>,
}

async fn get(url: &str, path: &str) -> Value {
    let answer = http().get(format!("{url}/evenkeel/v1/{path}")).send().await.unwrap();
    answer.json().await.unwrap()
}

async fn state(url: &str) -> State {
    let status = get(url, "status").await;
    let slos = get(url, "slos").await;
    let mut slos: Vec<Value> = slos["items"].as_array().unwrap().clone();
    for slo in &mut slos {
        slo["evaluated_at"].take();
        let name = slo["name"].as_str().unwrap().to_owned();
        let whole = get(url, &format!("slos/{name}")).await;
        slo["source"] = whole["source"].clone();
    }
    let facts = get(url, "journal?limit=1000").await;
    State { hash: status["repo"]["config_hash"].clone(), facts: facts["items"].clone(), slos }
}

/// The repo in force with a good document and a bad one beside it.
fn files() -> [(&'static str, String); 4] {
    let cart = SLO.replace("checkout", "cart").replace("name: orders", "name: cart");
    [
        ("slos/orders.yaml", SLO.replace("0.999", "0.5")),
        ("routing.yaml", routing(RECEIVER)),
        (CART, cart.clone()),
        (
            BROKEN,
            cart.replace("name: cart", "name: broken").replace("0.999", "2.5") + "  wrong: 1\n",
        ),
    ]
}

fn write(folder: &Path, files: &[(&str, String)]) {
    fs::create_dir_all(folder.join("slos")).unwrap();
    for (path, text) in files {
        fs::write(folder.join(path), text).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apply_with_one_error_changes_nothing_by_any_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept::new(folder.path(), RECEIVER);
    let url = kept.start(Duration::from_secs(20)).await.url;
    until(&url, |status| status["repo"]["config_hash"].is_string()).await;
    let before = state(&url).await;
    assert_eq!(before.slos.len(), 1);

    let given = files().map(|(path, content)| json!({"path": path, "content": content}));
    let body = json!({ "files": given });
    let answer = http().post(format!("{url}/evenkeel/v1/repo/apply")).json(&body).send().await;
    let answer: Value = answer.unwrap().json().await.unwrap();
    assert!(answer["applied"].is_null(), "{answer}");
    let wrong = |file: &str| {
        let problems = answer["problems"].as_array().unwrap();
        let error = |problem: &&Value| problem["file"] == file && problem["severity"] == "error";
        problems.iter().filter(error).count()
    };
    assert!(wrong(BROKEN) >= 2, "both are told at once: {answer}");
    assert_eq!(wrong(CART), 0, "{answer}");
    assert_eq!(state(&url).await, before, "by API");

    write(&folder.path().join("other"), &files());
    let applied = std::process::Command::new(binary())
        .args(["apply", "other", "--server", &url])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&applied.stdout) + String::from_utf8_lossy(&applied.stderr);
    assert!(!applied.status.success() && said.contains(BROKEN), "{said}");
    assert_eq!(state(&url).await, before, "by CLI");

    write(&folder.path().join("repo"), &files());
    until(&url, |status| status["repo"]["errors"].as_u64() > Some(0)).await;
    assert_eq!(state(&url).await, before, "by following a directory");

    // The same without the bad document takes effect as a whole.
    fs::remove_file(folder.path().join("repo").join(BROKEN)).unwrap();
    until(&url, |status| status["repo"]["config_hash"] != before.hash).await;
    let after = state(&url).await;
    assert_eq!(after.slos.len(), 2);
    kept.stop();
    kept.verify_journal();
}

async fn until(url: &str, so: impl Fn(&Value) -> bool) {
    let began = now();
    loop {
        let status = get(url, "status").await;
        if so(&status) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{}", status["repo"]);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
