//! `evenkeel check repo`.

use crate::{folder, run, source};

#[test]
fn the_shop_s_repo_is_sound() {
    let run = run(folder().path(), &["check", "repo", "--strict", &source("demo/repo")]);
    assert_eq!((run.exit, run.out.as_str()), (0, ""), "{}", run.err);
    assert!(run.err.ends_with(" files, 0 errors, 0 warnings\n"), "{}", run.err);
}

#[test]
fn a_broken_repo_is_told_at_once() {
    let broken = source("crates/app/testdata/repo/broken");
    let shown = run(folder().path(), &["check", "repo", &broken]);
    assert_eq!(shown.exit, 1);
    let first = "policies/default.yaml:8:11: error[E0104]: `mode` is `auto`; allowed: `automatic`, `offer` or `off`";
    assert!(shown.out.starts_with(first), "{}", shown.out);
    let json = run(folder().path(), &["check", "repo", "-o", "json", &broken]);
    assert_eq!(json.exit, 1);
    assert!(json.out.starts_with("{\n  \"ok\": false,\n"), "{}", json.out);
    let errors = shown.out.lines().filter(|line| line.contains(": error[")).count();
    assert_eq!(json.out.matches(r#""severity": "error""#).count(), errors);
}

#[test]
fn strict_makes_a_warning_fail() {
    let folder = folder();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("repo/services/empty.yaml", "");
    let check = |arguments: &[&str]| run(folder.path(), arguments).exit;
    assert_eq!(check(&["check", "repo", "repo"]), 0);
    assert_eq!(check(&["check", "repo", "--strict", "repo"]), 3);
    assert_eq!(check(&["check", "repo", "nowhere"]), 2);
}
