//! Redaction of one text: which rules it may hold, and all of them until nothing changes any more.

use std::ops::Range;

use aho_corasick::{Anchored, automaton::Automaton};

use super::{
    ALL, Bits, HINTED, Redactor, encoded,
    findings::Hits,
    key::Slot,
    opaque::{self, Hint},
    rules::Rule,
};

/// How often all rules run over a text that changes each time.
const PASSES_MAX: usize = 8;

impl Redactor {
    /// The text without the secrets that `rules` find; `None` when it stays as it is. `key` holds it, if one does.
    pub(super) fn clean(
        &self,
        text: &str,
        rules: Bits,
        key: &str,
        hits: &mut Hits,
    ) -> Option<String> {
        if self.dry & rules != 0 {
            // What would be hidden is found as it would be, on a copy.
            let mut would = Hits::default();
            self.settle(text, rules, key, &mut would);
            hits.list.extend(would.list.into_iter().filter(|hit| hit.dry_run));
        }
        self.settle(text, rules & !self.dry, key, hits)
    }

    /// What one rule puts in can give a text the shape of another, so the rules run until nothing changes any more.
    pub(super) fn settle(
        &self,
        text: &str,
        rules: Bits,
        key: &str,
        hits: &mut Hits,
    ) -> Option<String> {
        if rules == 0 {
            return None;
        }
        let mut out = self.pass(text, rules, key, hits)?;
        for _ in 1..PASSES_MAX {
            match self.pass(&out, rules, key, hits) {
                Some(cleaner) => out = cleaner,
                None => break,
            }
        }
        Some(out)
    }

    fn pass(&self, text: &str, rules: Bits, key: &str, hits: &mut Hits) -> Option<String> {
        let wanted = self.wanted(text);
        let mut out: Option<String> = None;
        for at in bits(wanted & rules & ALL) {
            let text = out.as_deref().unwrap_or(text);
            let found = self.rules[at].find(text).into_iter().map(|range| (range, at)).collect();
            if let Some(clean) = self.replace(text, found, hits) {
                out = Some(clean);
            }
        }
        let found = self.encoded(out.as_deref().unwrap_or(text), rules);
        out = self.replace(out.as_deref().unwrap_or(text), found, hits).or(out);
        let found = self.opaque(out.as_deref().unwrap_or(text), rules, wanted & HINTED != 0, key);
        self.replace(out.as_deref().unwrap_or(text), found, hits).or(out)
    }

    /// The rules that may find something in the text, and [`HINTED`].
    fn wanted(&self, text: &str) -> Bits {
        let (triggers, mut wanted) = (&self.triggers, self.always);
        let Ok(mut state) = triggers.start_state(Anchored::No) else {
            return ALL | HINTED;
        };
        for byte in text.bytes() {
            state = triggers.next_state(Anchored::No, state, byte);
            if triggers.is_special(state) {
                let found =
                    (0..triggers.match_len(state)).map(|at| triggers.match_pattern(state, at));
                wanted = found.fold(wanted, |wanted, found| wanted | self.owners[found.as_usize()]);
            }
        }
        wanted
    }

    /// Puts masks or tokens in the place of what the rules found, in the order in which it stands.
    fn replace(
        &self,
        text: &str,
        found: Vec<(Range<usize>, usize)>,
        hits: &mut Hits,
    ) -> Option<String> {
        let mut out: Option<String> = None;
        let mut copied = 0;
        for (range, rule) in found {
            let (Some(before), Some(secret)) =
                (text.get(copied..range.start), text.get(range.clone()))
            else {
                continue;
            };
            let rule = &self.rules[rule];
            if rule.heeds_keys()
                && self.keys.allows_after(text.get(..range.start).unwrap_or_default())
            {
                continue;
            }
            let out = out.get_or_insert_with(|| String::with_capacity(text.len() + 32));
            out.push_str(before);
            self.cover.write(out, rule.name, rule.action, secret);
            hits.add(slot(rule));
            copied = range.end;
        }
        let mut out = out?;
        out.push_str(text.get(copied..).unwrap_or_default());
        Some(out)
    }

    /// What is percent-encoded and holds a secret.
    fn encoded(&self, text: &str, rules: Bits) -> Vec<(Range<usize>, usize)> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(run) = encoded::next_run(text, at) {
            at = run.end;
            let encoded = text.get(run.clone()).unwrap_or_default();
            if let Some(rule) =
                encoded::decoded(encoded).find_map(|plain| self.holds(&plain, rules))
            {
                found.push((run, rule));
            }
        }
        found
    }

    /// Base64 of a text that holds a secret, and what looks random.
    fn opaque(&self, text: &str, rules: Bits, near: bool, key: &str) -> Vec<(Range<usize>, usize)> {
        let mut found = Vec::new();
        let mut at = 0;
        let entropy = self.entropy.filter(|at| rules & 1 << at != 0);
        while let Some(run) = opaque::next_run(text.as_bytes(), at) {
            at = run.end;
            if super::placeholder::covers(text, &run) {
                continue;
            }
            opaque::parts(text, run, |part| {
                let token = text.get(part.clone()).unwrap_or_default();
                if opaque::may_be_text(token)
                    && let Some(plain) = opaque::decoded(token)
                {
                    let rule = self.holds(&plain, rules);
                    found.extend(rule.map(|rule| (padded(text, part), rule)));
                } else if let Some(rule) = entropy
                    // What is not random enough where most is known of it is not worth a look around.
                    && opaque::is_random(token, Hint::Key)
                    && let Some(hint) = opaque::hint(text, &part, near, key)
                    && (hint == Hint::Key || opaque::is_random(token, hint))
                {
                    found.push((padded(text, part), rule));
                }
            });
        }
        if found.iter().any(|(_, rule)| Some(*rule) == entropy) && is_public(text) {
            found.retain(|(_, rule)| Some(*rule) != entropy);
        }
        found
    }

    /// The first rule that finds something in a text that was encoded.
    fn holds(&self, text: &str, rules: Bits) -> Option<usize> {
        bits(self.wanted(text) & rules & ALL).find(|at| !self.rules[*at].find(text).is_empty())
    }
}

/// The run with its padding.
fn padded(text: &str, run: Range<usize>) -> Range<usize> {
    let rest = text.as_bytes().get(run.end..).unwrap_or_default();
    let padding = rest.iter().take(2).take_while(|byte| **byte == b'=').count();
    run.start..run.end + padding
}

/// Certificates and public keys look random and may be read by all.
fn is_public(text: &str) -> bool {
    text.contains("-----BEGIN CERTIFICATE") || text.contains("PUBLIC KEY-----")
}

fn slot(rule: &Rule) -> Slot {
    Slot { name: rule.name, action: rule.action, dry_run: rule.dry_run }
}

fn bits(mut bits: Bits) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = usize::try_from(bits.trailing_zeros()).ok().filter(|_| bits != 0)?;
        bits &= bits - 1;
        Some(at)
    })
}
