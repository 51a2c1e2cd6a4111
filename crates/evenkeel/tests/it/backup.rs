//! `evenkeel backup`, `restore` and `journal verify`, on a directory without a server.

use app::data_dir::DataDir;
use camino::{Utf8Path, Utf8PathBuf};
use model::Timestamp;

use crate::{folder, run};

fn data_dir(folder: &Utf8Path) -> Utf8PathBuf {
    let path = folder.join("data");
    let dir = DataDir::open(&path, Timestamp::from_secs(1_795_000_000)).unwrap();
    dir.close().unwrap();
    path
}

#[test]
fn a_backup_restores_to_an_equal_directory_and_a_changed_one_does_not() {
    let folder = folder();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    let path = data_dir(root);
    // A journal before its first fact.
    std::fs::write(path.join("journal/journal.db"), "").unwrap();
    std::fs::write(path.join("slo/counts"), "abc").unwrap();
    let run = |arguments: &[&str]| run(folder.path(), arguments);

    let copied = run(&["backup", "--data-dir", "data", "--to", "copy"]);
    assert_eq!((copied.exit, copied.err.as_str()), (0, ""));
    assert!(copied.out.contains("journal: whole, 0 facts"), "{}", copied.out);
    let again = run(&["backup", "--data-dir", "data", "--to", "copy"]);
    assert_eq!(
        (again.exit, again.err.as_str()),
        (1, "evenkeel: the backup's folder `copy` is not empty\n")
    );

    let restored = run(&["restore", "--from", "copy", "--data-dir", "new", "-o", "json"]);
    assert_eq!((restored.exit, restored.err.as_str()), (0, ""));
    assert!(restored.out.contains(r#""journal_whole": true"#), "{}", restored.out);
    assert_eq!(std::fs::read_to_string(root.join("new/slo/counts")).unwrap(), "abc");
    assert_eq!(run(&["journal", "verify", "--data-dir", "new"]).exit, 0);
    assert_eq!(run(&["doctor", "--data-dir", "new"]).exit, 0);

    std::fs::write(root.join("copy/slo/counts"), "abd").unwrap();
    let changed = run(&["restore", "--from", "copy", "--data-dir", "other"]);
    assert_eq!(changed.exit, 1);
    assert!(
        changed.err.contains("`copy/slo/counts` is not as it was backed up"),
        "{}",
        changed.err
    );
    assert!(!root.join("other").exists());
}

#[test]
fn a_directory_that_is_none_is_refused() {
    let folder = folder();
    let run = |arguments: &[&str]| run(folder.path(), arguments);
    let backup = run(&["backup", "--data-dir", "none", "--to", "copy"]);
    assert_eq!(
        (backup.exit, backup.err.as_str()),
        (1, "evenkeel: `none` is not a data directory; it has no `format` file\n")
    );
    let restore = run(&["restore", "--from", "none", "--data-dir", "data"]);
    assert_eq!(restore.exit, 1);
    let verify = run(&["journal", "verify", "--data-dir", "none"]);
    assert_eq!(
        (verify.exit, verify.err.as_str()),
        (5, "evenkeel: there is no journal in `none/journal`\n")
    );
}
