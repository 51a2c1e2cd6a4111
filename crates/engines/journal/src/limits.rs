//! What is refused before anything is written.

use crate::{
    fact::{Draft, KIND_BYTES_MAX, PAYLOAD_BYTES_MAX, TEXT_BYTES_MAX},
    own::{RESERVED_PREFIX, Range},
    port::{APPEND_FACTS_MAX, AppendError, ERASE_RECORDS_MAX, EraseError, Erasure},
};

/// Refuses a batch that is too large, and facts that are too long or of a kind that is not one.
pub(crate) fn check_drafts(drafts: &[Draft]) -> Result<(), AppendError> {
    if drafts.len() > APPEND_FACTS_MAX {
        return Err(AppendError::TooMany { facts: drafts.len(), max: APPEND_FACTS_MAX });
    }
    drafts.iter().try_for_each(check_draft)
}

/// Refuses a fact that is too long, or of a kind that is not one: no journal would take it.
///
/// # Errors
/// What is wrong with it; never one that [is final](AppendError::is_final).
pub fn check_draft(draft: &Draft) -> Result<(), AppendError> {
    let fields = [
        ("kind", draft.kind.len(), KIND_BYTES_MAX),
        ("actor's id", draft.actor.id.len(), TEXT_BYTES_MAX),
        ("actor's way", draft.actor.via.len(), TEXT_BYTES_MAX),
        ("namespace", draft.namespace.len(), TEXT_BYTES_MAX),
        ("subject", draft.subject.len(), TEXT_BYTES_MAX),
        ("payload", draft.payload.len(), PAYLOAD_BYTES_MAX),
    ];
    for (field, bytes, max) in fields {
        if bytes > max {
            let kind = draft.kind.chars().take(KIND_BYTES_MAX).collect();
            return Err(AppendError::TooLong { kind, field, bytes, max });
        }
    }
    if draft.kind.starts_with(RESERVED_PREFIX) {
        return Err(AppendError::ReservedKind { kind: draft.kind.clone() });
    }
    let letter = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
    let word = |word: &str| !word.is_empty() && word.chars().all(letter);
    if !draft.kind.contains('.') || !draft.kind.split('.').all(word) {
        return Err(AppendError::BadKind { kind: draft.kind.clone() });
    }
    Ok(())
}

/// The ranges of an erasure in order, those that touch joined, none beyond `head`.
pub(crate) fn check_erasure(erasure: &Erasure, head: u64) -> Result<Vec<Range>, EraseError> {
    let mut ranges = Vec::with_capacity(erasure.ranges.len());
    for range in &erasure.ranges {
        let (first, last) = (*range.start(), *range.end());
        if first < 1 || last < first || last > head {
            return Err(EraseError::NotThere { first, last, head });
        }
        ranges.push(Range { first, last });
    }
    let ranges = join(ranges);
    let records: u64 = ranges.iter().map(|range| range.last - range.first + 1).sum();
    if records > ERASE_RECORDS_MAX || ranges.len() > APPEND_FACTS_MAX {
        return Err(EraseError::TooMany { records, max: ERASE_RECORDS_MAX });
    }
    Ok(ranges)
}

/// The same numbers in as few ranges as can be, in order.
pub(crate) fn join(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable_by_key(|range| range.first);
    let mut joined: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.first <= last.last.saturating_add(1) => {
                last.last = last.last.max(range.last);
            }
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use model::Actor;

    use super::*;
    use crate::fact::tests::draft;

    #[test]
    fn refuses_what_no_fact_may_be() {
        let check = |kind: &str| match check_drafts(&[Draft { kind: kind.into(), ..draft(1) }]) {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_snapshot!(check("deploy.gate_2.checked"), @"ok");
        assert_snapshot!(check("journal.payload_erased"), @"kind `journal.payload_erased` belongs to the journal itself");
        assert_snapshot!(check("Incident.Opened"), @"`Incident.Opened` is not a kind of fact; write lowercase words with dots, such as `incident.opened`");
        for bad in ["", ".", "a", "a..b", "a.", "a b.c", "é.a"] {
            assert!(check(bad).contains("not a kind"), "{bad}");
        }
        assert!(check(&"a.b".repeat(100)).starts_with("the kind of a fact"));
        assert!(check_drafts(&vec![draft(1); APPEND_FACTS_MAX + 1]).is_err());
    }

    #[test]
    fn joins_ranges() {
        let erasure = |ranges| Erasure { ranges, reason: "".into(), actor: Actor::system("test") };
        let joined = check_erasure(&erasure(vec![5..=6, 1..=2, 3..=3, 6..=8]), 10).unwrap();
        assert_eq!(joined, [Range { first: 1, last: 3 }, Range { first: 5, last: 8 }]);
        #[expect(clippy::reversed_empty_ranges, reason = "a caller may write one")]
        let bad = [0..=1, 5..=4, 9..=11];
        for range in bad {
            assert!(check_erasure(&erasure(vec![range]), 10).is_err());
        }
        let many = erasure(vec![1..=ERASE_RECORDS_MAX + 1]);
        assert!(matches!(check_erasure(&many, u64::MAX), Err(EraseError::TooMany { .. })));
    }
}
