//! `evenkeel.yaml`: where it is found, and what happens when it is wrong.

use std::fs;

use crate::{folder, run};

#[test]
fn a_bad_file_is_refused_with_every_place_before_a_port_is_bound() {
    let folder = folder();
    fs::write(
        folder.path().join("evenkeel.yaml"),
        "listne: 127.0.0.1:0\nlimits:\n  max_labels: many\n",
    )
    .unwrap();
    let run = run(folder.path(), &["serve"]);
    assert_eq!((run.exit, run.out.as_str()), (64, ""));
    insta::assert_snapshot!(run.err, @"
    evenkeel: the configuration has 2 problems
    evenkeel.yaml:1:1: error[E0101]: unknown field `listne` in the document; did you mean `listen`?
    evenkeel.yaml:3:15: error[E0103]: `max_labels` must be a whole number, not the text `many`
    ");
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let run = run(folder().path(), &["doctor", "--config", "none.yaml"]);
    assert_eq!(
        (run.exit, run.err.as_str()),
        (64, "evenkeel: there is no configuration file `none.yaml`\n")
    );
}

#[test]
fn doctor_shows_what_is_in_force_without_making_anything() {
    let folder = folder();
    let home = folder.path().join(".config/evenkeel");
    fs::create_dir_all(&home).unwrap();
    fs::write(
        home.join("evenkeel.yaml"),
        "listen: 127.0.0.1:1234\napi: {tokens: [{name: ci, token: 0123456789abcdef}]}\n",
    )
    .unwrap();
    let run = run(folder.path(), &["doctor", "-o", "json"]);
    assert!(run.exit == 0 || run.out.contains(r#""check": "disk","#), "{}{}", run.out, run.err);
    for part in
        [r#""value": "127.0.0.1:1234""#, r#""key": "api.tokens[].name""#, ".local/share/evenkeel"]
    {
        assert!(run.out.contains(part), "{part} in {}", run.out);
    }
    assert!(!run.out.contains("0123456789abcdef"));
    assert!(!folder.path().join(".local").exists());
}

#[test]
fn doctor_asks_the_server_whether_it_is_ready() {
    let folder = folder();
    fs::write(folder.path().join("evenkeel.yaml"), "listen: 127.0.0.1:1\n").unwrap();
    assert_eq!(run(folder.path(), &["doctor", "--ready"]).exit, 7);
}

#[test]
fn a_production_repo_that_is_not_there_is_no_configuration() {
    let run = run(folder().path(), &["serve", "--repo", "nowhere", "--listen", "127.0.0.1:0"]);
    assert_eq!(run.exit, 64, "{}", run.err);
    assert!(run.err.contains("the production repo `nowhere` is not a directory"), "{}", run.err);
}
