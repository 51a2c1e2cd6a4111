//! The book: its pages are there, and the files that it shows are sound.

use std::{fs, path::Path};

use crate::{folder, run, source};

fn page(name: &str) -> String {
    fs::read_to_string(source(&format!("docs/src/{name}"))).unwrap()
}

/// The first indented block of the page that holds `part`.
fn block(page: &str, part: &str) -> String {
    let blocks =
        page.split("\n\n").filter(|block| block.lines().all(|line| line.starts_with("    ")));
    let block = blocks.into_iter().find(|block| block.contains(part)).unwrap();
    block.lines().map(|line| format!("{}\n", line.strip_prefix("    ").unwrap())).collect()
}

#[test]
fn the_contents_name_every_page_and_every_page_is_there() {
    let summary = page("SUMMARY.md");
    let named: Vec<&str> = summary
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(name, _)| name)
        .collect();
    for name in &named {
        assert!(Path::new(&source(&format!("docs/src/{name}"))).is_file(), "{name}");
    }
    for entry in fs::read_dir(source("docs/src")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let included = ["SUMMARY.md", "configuration-keys.md"].contains(&name.as_str());
        assert!(included || !name.ends_with(".md") || named.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let entries = fs::read_dir(source("docs/src")).unwrap().map(|entry| entry.unwrap().path());
    for path in entries.filter(|path| path.is_file()) {
        let text = fs::read_to_string(&path).unwrap();
        let links =
            text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for link in links.filter(|link| !link.contains("://")) {
            let target = link.split('#').next().unwrap();
            assert!(path.parent().unwrap().join(target).is_file(), "{}: {link}", path.display());
        }
    }
}

#[test]
fn the_files_that_the_book_shows_make_a_sound_repo() {
    let folder = folder();
    let write = |path: &str, text: String| {
        let path = folder.path().join("repo").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("slos/checkout.yaml", block(&page("slos.md"), "kind: SLO"));
    write("policies/default.yaml", block(&page("deploys.md"), "kind: Policy"));
    write("routing.yaml", block(&page("incidents.md"), "receivers:"));
    write(
        "services/checkout.yaml",
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: checkout}\n\
         spec: {type: service, lifecycle: production, owner: group:payments}\n"
            .to_owned(),
    );
    let run = run(folder.path(), &["check", "repo", "--strict", "repo"]);
    assert_eq!((run.exit, run.out.as_str()), (0, ""), "{}", run.err);
}

#[test]
fn the_rollback_that_the_book_shows_is_a_configuration() {
    let folder = folder();
    fs::write(folder.path().join("evenkeel.yaml"), block(&page("rollback.md"), "argv:")).unwrap();
    let run = run(folder.path(), &["doctor", "-o", "json"]);
    assert!(run.out.contains("/usr/local/bin/deploy"), "{}{}", run.out, run.err);
}
