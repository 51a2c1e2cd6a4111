//! What Evenkeel may do to a service: the allow-list of rollbacks.
//!
//! A program is an argument vector and never a shell's text, because the version in it comes from whoever recorded the deploy.

use std::time::Duration;

use app::{
    files::{
        problem::Code,
        reader::{Field, Map},
        text::{alternatives, shorten},
    },
    notify::signature::SigningKey,
};
use url::Url;

use super::{read::Reading, settings::names_below};

/// The most rules.
const RULES_MAX: usize = 1000;
/// The most arguments of one program.
const ARGUMENTS_MAX: usize = 100;
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(300);
const PLACEHOLDERS: [&str; 5] = ["service", "environment", "version", "from_version", "act"];
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "ksh", "fish", "ash"];

/// How services that fit the pattern are rolled back.
#[derive(Clone, Debug)]
pub(crate) struct Rollback {
    /// A name, or a pattern with `*`.
    pub(crate) service: String,
    /// `None` is any.
    pub(crate) environment: Option<String>,
    pub(crate) how: How,
}

#[derive(Clone, Debug)]
pub(crate) enum How {
    /// A program; its arguments may hold placeholders, its name may not.
    Program { argv: Vec<String>, timeout: Duration },
    /// A signed request to somebody who does it.
    Webhook { url: Url, key: SigningKey },
}

pub(super) fn read(list: Field<'_>, reading: &Reading<'_>) -> Vec<Rollback> {
    let items = list.list().unwrap_or_default();
    if items.len() > RULES_MAX {
        let message = format!("{} has {} rules", list.quoted(), items.len());
        list.error(Code::OUT_OF_RANGE, message, format!("at most {RULES_MAX} are allowed"));
    }
    items.into_iter().take(RULES_MAX).filter_map(|item| rule(item, reading)).collect()
}

fn rule(item: Field<'_>, reading: &Reading<'_>) -> Option<Rollback> {
    let map = item.map(&names_below("acts.rollback[]"))?;
    map.exclusive(&["argv", "webhook"], true);
    let service = map.required("service").and_then(pattern);
    let environment = map.optional("environment").and_then(|field| field.text_up_to(100));
    let how = match map.optional("webhook") {
        Some(field) => {
            if let Some(misplaced) = map.optional("timeout") {
                let hint = "leave it out of a rule with `webhook`";
                misplaced.error(Code::EXCLUSIVE, "`timeout` is for a program", hint);
            }
            webhook(field, reading)
        }
        None => program(map),
    };
    Some(Rollback { service: service?, environment: environment.map(str::to_owned), how: how? })
}

fn pattern(field: Field<'_>) -> Option<String> {
    let text = field.text_up_to(200)?;
    if text.chars().all(|c| c.is_alphanumeric() || "*._-/".contains(c)) {
        return Some(text.to_owned());
    }
    let message = format!("`service` is `{}`, which is not a pattern", shorten(text));
    field.error(Code::PATTERN, message, "write a service's name; `*` stands for any text");
    None
}

fn webhook(field: Field<'_>, reading: &Reading<'_>) -> Option<How> {
    let map = field.map(&names_below("acts.rollback[].webhook"))?;
    let url = map.required("url").and_then(Field::http_url);
    let key = map.required("signing_key_file").and_then(|field| reading.signing_key_file(field));
    Some(How::Webhook { url: url?, key: key? })
}

fn program(map: Map<'_>) -> Option<How> {
    let argv = map.optional("argv").and_then(arguments);
    let second = Duration::from_secs(1);
    let timeout = map
        .optional("timeout")
        .and_then(|field| field.duration_within(second..=Duration::from_secs(3600)))
        .unwrap_or(TIMEOUT_DEFAULT);
    Some(How::Program { argv: argv?, timeout })
}

fn arguments(field: Field<'_>) -> Option<Vec<String>> {
    let items = field.list()?;
    if items.is_empty() || items.len() > ARGUMENTS_MAX {
        let message = format!("`argv` has {} items", items.len());
        field.error(
            Code::OUT_OF_RANGE,
            message,
            format!("write 1 to {ARGUMENTS_MAX}, the program first"),
        );
        return None;
    }
    let texts: Vec<Option<&str>> = items.iter().map(|item| item.text_up_to(4096)).collect();
    let mut fine = true;
    for (item, text) in items.iter().zip(&texts) {
        fine &= text.is_some_and(|text| placeholders_fit(*item, text));
    }
    let argv: Vec<&str> = texts.into_iter().collect::<Option<_>>()?;
    fine &= program_is_plain(&items, &argv);
    fine.then(|| argv.into_iter().map(str::to_owned).collect())
}

/// Whether every `{name}` is one that is known.
fn placeholders_fit(field: Field<'_>, text: &str) -> bool {
    let unknown =
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).find(|(name, _)| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                && !PLACEHOLDERS.contains(name)
        });
    let Some((name, _)) = unknown else { return true };
    let listed = alternatives(["{service}", "{environment}", "{version}", "{from_version}"]);
    field.error(
        Code::NOT_ALLOWED,
        format!("`{{{}}}` is not a placeholder", shorten(name)),
        format!("allowed: {listed}"),
    );
    false
}

/// Whether nothing that a stranger chose becomes the program or a shell's text.
fn program_is_plain(items: &[Field<'_>], argv: &[&str]) -> bool {
    let (Some(first), Some(program)) = (items.first(), argv.first()) else { return false };
    let holds = |text: &&str| PLACEHOLDERS.iter().any(|name| text.contains(&format!("{{{name}}}")));
    if holds(program) {
        first.error(
            Code::NOT_ALLOWED,
            "the program's name has a placeholder",
            "name the program; placeholders may stand in its arguments",
        );
        return false;
    }
    let name = program.rsplit('/').next().unwrap_or_default();
    let script = argv.iter().skip(1).position(|argument| *argument == "-c").map(|at| at + 2);
    if let Some(at) = script.filter(|at| SHELLS.contains(&name) && argv.get(*at).is_some_and(holds))
        && let Some(item) = items.get(at)
    {
        let hint =
            "a version may hold any text; write `[sh, -c, '… \"$1\"', rollback, \"{version}\"]`";
        item.error(Code::NOT_ALLOWED, "a placeholder stands in a shell's text", hint);
        return false;
    }
    true
}
