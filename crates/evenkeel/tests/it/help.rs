//! Help, version and completion.

use crate::{folder, run};

fn help(arguments: &[&str]) -> String {
    let run = run(folder().path(), arguments);
    assert_eq!((run.exit, run.err.as_str()), (0, ""));
    run.out
}

#[test]
fn the_short_help_lists_the_verbs() {
    insta::assert_snapshot!(help(&["-h"]));
}

#[test]
fn the_help_of_serve_says_where_settings_come_from() {
    insta::assert_snapshot!(help(&["serve", "-h"]));
}

#[test]
fn the_help_of_the_gate_names_its_exit_codes() {
    insta::assert_snapshot!(help(&["gate", "check", "-h"]));
}

#[test]
fn every_shell_gets_a_completion_script() {
    for (shell, part) in [
        ("bash", "complete -F _evenkeel"),
        ("zsh", "#compdef evenkeel"),
        ("fish", "complete -c evenkeel"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = help(&["completion", shell]);
        assert!(script.contains(part), "{shell}");
        assert!(script.contains("incident"), "{shell}");
    }
}

#[test]
fn what_is_not_understood_is_a_usage_error() {
    let folder = folder();
    for arguments in [
        &["slo"][..],
        &["incidents"],
        &["serve", "--listen", "x"],
        &["serve", "--otlp-grpc-listen", "no"],
    ] {
        let run = run(folder.path(), arguments);
        assert_eq!((run.exit, run.out.as_str()), (2, ""), "{arguments:?}");
        assert!(run.err.contains("Usage:") || run.err.contains("--help"), "{}", run.err);
    }
    assert_eq!(run(folder.path(), &["demo", "--scenario", "flood"]).exit, 2);
}
