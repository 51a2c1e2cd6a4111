//! The command line is consistent, and every command that a person may read somewhere is one.

use std::{fs, path::Path};

use clap::{CommandFactory, Parser};

use super::Cli;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_help_of_every_verb_has_an_example() {
    fn check(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        if command.is_hide_set() {
            return;
        }
        if path != " evenkeel" {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n ") && help.contains(path.trim()), "{path}: {help}");
        }
        command.get_subcommands().for_each(|command| check(command, &path));
    }
    check(&Cli::command(), "");
}

#[test]
fn every_flag_of_serve_has_a_variable() {
    let cli = Cli::command();
    let serve = cli.find_subcommand("serve").unwrap();
    for flag in serve.get_arguments().filter(|flag| flag.get_id() != "help") {
        let variable = flag.get_env().and_then(|name| name.to_str()).unwrap_or_default();
        assert!(variable.starts_with("EVENKEEL_"), "{}", flag.get_id());
    }
}

/// The words of a shell's command, up to its end, a pipe or a redirection.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '|' | '>' | '&' | '#' | ';') => break,
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Every command of the text, with its place.
fn commands(text: &str) -> impl Iterator<Item = (usize, Vec<String>)> + '_ {
    let shown = |line: &str| {
        line.starts_with("    ") || line.starts_with("evenkeel ") || line.starts_with("  evenkeel ")
    };
    text.lines().enumerate().filter(move |(_, line)| shown(line)).filter_map(|(at, line)| {
        let command = line.trim_start().trim_start_matches("- ");
        // In the help's columns, what the command does stands behind it.
        let command = command.split("   ").next().unwrap_or_default();
        command.starts_with("evenkeel ").then(|| (at + 1, words(command)))
    })
}

fn check(name: &str, text: &str) -> usize {
    let mut count = 0;
    for (line, words) in commands(text) {
        count += 1;
        if words.iter().any(|word| word == "…") {
            continue;
        }
        if let Err(error) = Cli::try_parse_from(&words) {
            assert!(!error.use_stderr(), "{name}:{line}: {words:?}\n{error}");
        }
    }
    count
}

#[test]
fn every_command_of_the_book_is_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let book = fs::read_dir(root.join("docs/src")).unwrap().map(|entry| entry.unwrap().path());
    let pages = book.chain([root.join("README.md"), root.join("docs/architecture.md")]);
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let count: usize = pages
        .map(|path| check(&path.display().to_string(), &fs::read_to_string(path).unwrap()))
        .sum();
    assert!(count > 20, "{count}");
}

#[test]
fn every_example_of_the_help_is_a_command() {
    fn visit(command: &clap::Command) -> usize {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        check(command.get_name(), &help) + command.get_subcommands().map(visit).sum::<usize>()
    }
    let count = visit(&Cli::command());
    assert!(count > 20, "{count}");
}

#[test]
fn words_are_those_of_a_shell() {
    assert_eq!(words("a 'b c' --d=\"e\" '' | f > g"), ["a", "b c", "--d=e", ""]);
}
