//! A policy becomes rules, or all that is wrong with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use aho_corasick::dfa::DFA;
use regex::RegexBuilder;

use super::{
    Bits, HINTED, Redactor, card,
    glob::Glob,
    key::{Keys, Slot},
    opaque,
    placeholder::Cover,
    policy::{
        Action, COMPILED_BYTES_MAX, CONFIGURED_MAX, KEY_ID_BYTES_MAX, KEY_SECRET_BYTES_MIN,
        KEYS_MAX, NAME_BYTES_MAX, Policy, PolicyError, REGEX_BYTES_MAX, Setting,
    },
    rules::{self, Kind, Rule, Shape},
};

/// The rule for keys that are known to hold secrets.
pub(super) const KEY: &str = "key";
/// The shortest part of a key that is searched for in texts.
const LITERAL_BYTES_MIN: usize = 3;

pub(super) fn compile(policy: &Policy) -> Result<Redactor, Vec<PolicyError>> {
    let mut errors = Vec::new();
    let mut rules = rules::built_in();
    check_names(policy, &rules, &mut errors);
    for rule in &mut rules {
        let setting = policy.rules.get(rule.name).copied().unwrap_or_default();
        rule.set(&setting, policy.action, policy.dry_run);
    }
    let mut own = Vec::new();
    let mut keys = Keys { allowed: globs(&policy.allowed_keys, &mut errors), ..Keys::default() };
    own_keys(policy, &mut own, &mut keys, &mut errors);
    own_patterns(policy, &mut own, &mut errors);
    // What an installation says of its own secrets comes first.
    own.append(&mut rules);
    own.retain(|rule| rule.enabled);
    let setting = policy.rules.get(KEY).copied().unwrap_or_default();
    keys.known = (setting.enabled != Some(false)).then(|| slot(KEY, &setting, policy));
    check_tokens(policy, &own, &keys, &mut errors);
    if errors.is_empty() { Ok(assemble(policy, own, keys)) } else { Err(errors) }
}

fn assemble(policy: &Policy, rules: Vec<Rule>, keys: Keys) -> Redactor {
    let mut owners: BTreeMap<String, Bits> = BTreeMap::new();
    for (at, rule) in rules.iter().enumerate() {
        for trigger in &rule.triggers {
            *owners.entry(trigger.to_lowercase()).or_default() |= 1 << at;
        }
    }
    for word in opaque::HINTS {
        *owners.entry((*word).to_owned()).or_default() |= HINTED;
    }
    let triggers = DFA::builder()
        .ascii_case_insensitive(true)
        .prefilter(false)
        .build(owners.keys())
        .expect("a few hundred short triggers make a small automaton");
    let those = |is: &dyn Fn(&Rule) -> bool| {
        let those = rules.iter().enumerate().filter(|(_, rule)| is(rule));
        those.fold(0, |bits: Bits, (at, _)| bits | 1 << at)
    };
    let is_entropy = |rule: &Rule| matches!(rule.shape, Shape::Entropy);
    let always = those(&|rule| rule.triggers.is_empty() && !is_entropy(rule));
    let numbers = those(&|rule| matches!(rule.shape, Shape::Card) || rule.kind == Kind::Own);
    let has_own = rules.iter().any(|rule| rule.kind == Kind::Own);
    Redactor {
        triggers,
        owners: owners.into_values().collect(),
        always,
        shapes: those(&|rule| rule.kind == Kind::Whole),
        numbers,
        number_min: if has_own { i64::MIN } else { card::NUMBER_MIN },
        dry: those(&|rule| rule.dry_run),
        all_dry: policy.dry_run,
        entropy: rules.iter().position(is_entropy),
        keys,
        cover: policy.token_key.as_ref().map(Cover::new).unwrap_or_default(),
        rules,
    }
}

/// Names of built-in rules are known, and others are names that none has yet.
fn check_names(policy: &Policy, built_in: &[Rule], errors: &mut Vec<PolicyError>) {
    let known: BTreeSet<&str> = built_in.iter().map(|rule| rule.name).chain([KEY]).collect();
    for name in policy.rules.keys().filter(|name| !known.contains(&***name)) {
        let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        errors.push(PolicyError::UnknownRule { name: name.clone(), known });
    }
    let mut taken: BTreeSet<&str> = known;
    let patterns = policy.patterns.iter().map(|pattern| &pattern.name);
    for name in policy.keys.iter().map(|key| &key.name).chain(patterns) {
        let is_name = name.len() <= NAME_BYTES_MAX
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !is_name {
            errors.push(PolicyError::Name { name: name.clone() });
        } else if !taken.insert(name) {
            errors.push(PolicyError::Taken { name: name.clone() });
        }
    }
    let lists = [("patterns", policy.patterns.len()), ("key rules", policy.keys.len())];
    for (what, have) in lists.into_iter().filter(|(_, have)| *have > CONFIGURED_MAX) {
        errors.push(PolicyError::TooMany { what, have, max: CONFIGURED_MAX });
    }
    let keys: usize = policy.keys.iter().map(|rule| rule.keys.len()).sum();
    let lists = [("keys", keys), ("allowed keys", policy.allowed_keys.len())];
    for (what, have) in lists.into_iter().filter(|(_, have)| *have > KEYS_MAX) {
        errors.push(PolicyError::TooMany { what, have, max: KEYS_MAX });
    }
}

fn globs(keys: &[Box<str>], errors: &mut Vec<PolicyError>) -> Vec<Glob> {
    let mut globs = Vec::new();
    for key in keys.iter().take(KEYS_MAX) {
        match Glob::new(key) {
            Some(glob) => globs.push(glob),
            None => errors.push(PolicyError::Key { key: key.clone() }),
        }
    }
    globs
}

fn own_keys(policy: &Policy, own: &mut Vec<Rule>, keys: &mut Keys, errors: &mut Vec<PolicyError>) {
    for rule in
        policy.keys.iter().take(CONFIGURED_MAX).filter(|rule| rule.setting.enabled != Some(false))
    {
        let slot = slot(interned(&rule.name), &rule.setting, policy);
        let globs = globs(&rule.keys, errors);
        let in_texts: Vec<&Glob> =
            globs.iter().filter(|glob| glob.literal().len() >= LITERAL_BYTES_MIN).collect();
        if !in_texts.is_empty() {
            let triggers = in_texts.iter().map(|glob| glob.literal().into()).collect();
            let patterns: Vec<String> = in_texts.iter().map(|glob| glob.regex()).collect();
            match Rule::own_keys(slot.name, triggers, &patterns) {
                Ok(mut text) => {
                    text.set(&rule.setting, policy.action, policy.dry_run);
                    own.push(text);
                }
                Err(source) => errors.push(PolicyError::Regex { name: rule.name.clone(), source }),
            }
        }
        keys.own.extend(globs.into_iter().map(|glob| (glob, slot)));
    }
}

fn own_patterns(policy: &Policy, own: &mut Vec<Rule>, errors: &mut Vec<PolicyError>) {
    for pattern in policy.patterns.iter().take(CONFIGURED_MAX) {
        let name = pattern.name.clone();
        if pattern.regex.len() > REGEX_BYTES_MAX {
            errors.push(PolicyError::RegexTooLong { name, have: pattern.regex.len() });
            continue;
        }
        let built = RegexBuilder::new(&pattern.regex)
            .size_limit(COMPILED_BYTES_MAX)
            .dfa_size_limit(COMPILED_BYTES_MAX)
            .build();
        match built {
            Err(source) => errors.push(PolicyError::Regex { name, source }),
            Ok(regex) if regex.is_match("") => errors.push(PolicyError::MatchesNothing { name }),
            Ok(regex) => {
                let mut rule = Rule::own(interned(&name), regex);
                rule.set(&pattern.setting, policy.action, policy.dry_run);
                own.push(rule);
            }
        }
    }
}

fn check_tokens(policy: &Policy, rules: &[Rule], keys: &Keys, errors: &mut Vec<PolicyError>) {
    match &policy.token_key {
        Some(key) => {
            let is_id = !key.id.is_empty()
                && key.id.len() <= KEY_ID_BYTES_MAX
                && key.id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !is_id {
                errors.push(PolicyError::TokenKeyId);
            }
            if key.secret.len() < KEY_SECRET_BYTES_MIN {
                errors.push(PolicyError::TokenKeyShort { have: key.secret.len() });
            }
        }
        None => {
            let slots = keys.known.iter().chain(keys.own.iter().map(|(_, slot)| slot));
            let slots = slots.map(|slot| (slot.name, slot.action));
            let all = rules.iter().map(|rule| (rule.name, rule.action)).chain(slots);
            let tokens = all.filter(|(_, action)| *action == Action::Token).map(|(name, _)| name);
            let first = tokens.take(1).map(|name| PolicyError::NoTokenKey { name: name.into() });
            errors.extend(first);
        }
    }
}

fn slot(name: &'static str, setting: &Setting, policy: &Policy) -> Slot {
    Slot {
        name,
        action: setting.action.unwrap_or(policy.action),
        dry_run: setting.dry_run || policy.dry_run,
    }
}

/// The name for as long as the process lives, as [`crate::Counts`] has them: each name that was ever configured is kept once.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let kept: &'static str = Box::leak(name.into());
    names.insert(kept);
    kept
}
