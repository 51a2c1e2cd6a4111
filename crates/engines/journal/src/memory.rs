//! A journal in memory, for simulations: it keeps what was committed, crashes on command, and fails when told to.

use std::collections::BTreeSet;

use model::Timestamp;

use crate::{
    chain::link,
    fact::{Draft, FactId, Head, Record, SEQ_MAX},
    limits::{check_drafts, check_erasure},
    own::{self, PAYLOAD_ERASED},
    port::{
        AcceptError, Acceptance, AppendError, EraseError, Erasure, Journal, READ_BYTES_MAX,
        READ_RECORDS_MAX, ReadError,
    },
    report::Health,
};

/// What outlives [`MemoryJournal::crash`] is what an `append` that returned had written.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal {
    committed: Vec<Record>,
    ids: BTreeSet<FactId>,
    fail: Option<FailAt>,
    stopped: bool,
}

/// Where the next append fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailAt {
    /// Nothing was written, and the journal goes on: the disk is full.
    DiskFull,
    /// Nothing was written, and the journal stops.
    BeforeCommit,
    /// All was written, but nobody was told; the journal stops.
    AfterCommit,
}

impl MemoryJournal {
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next append, erasure or acceptance fail.
    pub fn fail_next(&mut self, at: FailAt) {
        self.fail = Some(at);
    }

    /// The process dies and starts again: what was committed is there, and a journal that stopped goes on.
    pub fn crash(&mut self) {
        self.fail = None;
        self.stopped = false;
    }

    /// Everything that was committed, oldest first.
    pub fn committed(&self) -> &[Record] {
        &self.committed
    }

    fn commit(&mut self, drafts: Vec<Draft>, now: Timestamp) -> Result<Vec<Record>, AppendError> {
        if self.stopped {
            return Err(AppendError::Stopped);
        }
        if self.head().seq + drafts.len() as u64 > SEQ_MAX {
            return Err(AppendError::NoNumberLeft { max: SEQ_MAX });
        }
        let mut new_ids = BTreeSet::new();
        for draft in &drafts {
            if self.ids.contains(&draft.id) || !new_ids.insert(draft.id) {
                return Err(AppendError::DuplicateId { id: draft.id });
            }
        }
        let fail = self.fail.take();
        match fail {
            Some(FailAt::DiskFull) => {
                return Err(AppendError::DiskFull {
                    path: ":memory:".into(),
                    source: "told to".into(),
                });
            }
            Some(FailAt::BeforeCommit) => return Err(self.stop()),
            Some(FailAt::AfterCommit) | None => {}
        }
        let mut at = self.head();
        let last = self.committed.last().map_or(now, |record| record.recorded_at);
        let mut written = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let record = link(draft, at.seq + 1, at.hash, now.max(last));
            at = Head { seq: record.seq, hash: record.hash };
            written.push(record);
        }
        self.ids.append(&mut new_ids);
        self.committed.extend_from_slice(&written);
        if fail.is_some() { Err(self.stop()) } else { Ok(written) }
    }

    fn stop(&mut self) -> AppendError {
        self.stopped = true;
        AppendError::Write { path: ":memory:".into(), source: "told to".into() }
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, drafts: Vec<Draft>, now: Timestamp) -> Result<Vec<Record>, AppendError> {
        check_drafts(&drafts)?;
        self.commit(drafts, now)
    }

    fn erase(&mut self, erasure: Erasure, now: Timestamp) -> Result<Vec<Record>, EraseError> {
        let head = self.head();
        let ranges = check_erasure(&erasure, head.seq)?;
        let index = |seq: u64| usize::try_from(seq - 1).expect("a number within a Vec");
        for range in &ranges {
            let own = (range.first..=range.last)
                .find(|seq| self.committed[index(*seq)].kind.starts_with(own::RESERVED_PREFIX));
            if let Some(seq) = own {
                return Err(EraseError::Own { seq });
            }
        }
        let drafts = ranges
            .iter()
            .map(|range| {
                let actor = erasure.actor.clone();
                own::draft(PAYLOAD_ERASED, *range, &erasure.reason, actor, (head.seq + 1, now))
            })
            .collect();
        let committed = self.committed.len();
        let written = self.commit(drafts, now);
        if self.committed.len() > committed {
            for seq in ranges.iter().flat_map(|range| range.first..=range.last) {
                self.committed[index(seq)].payload = None;
            }
        }
        written.map_err(EraseError::Append)
    }

    fn accept_break(&mut self, _: Acceptance, _: Timestamp) -> Result<Vec<Record>, AcceptError> {
        Err(AcceptError::Nothing)
    }

    fn head(&self) -> Head {
        self.committed
            .last()
            .map_or_else(Head::default, |record| Head { seq: record.seq, hash: record.hash })
    }

    fn next_seq(&self) -> u64 {
        self.head().seq + 1
    }

    fn health(&self) -> Health {
        Health::Whole
    }

    fn read(&self, after: u64, limit: usize) -> Result<Vec<Record>, ReadError> {
        let start = usize::try_from(after).unwrap_or(usize::MAX).min(self.committed.len());
        let mut bytes = 0;
        Ok(self.committed[start..]
            .iter()
            .take(limit.min(READ_RECORDS_MAX))
            .take_while(|record| {
                let before = bytes;
                bytes += record.payload.as_ref().map_or(0, Vec::len);
                before < READ_BYTES_MAX
            })
            .cloned()
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use model::Actor;

    use super::*;
    use crate::{fact::tests::draft, port::replay};

    const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

    #[test]
    fn keeps_what_was_committed_and_nothing_else() {
        let mut journal = MemoryJournal::new();
        journal.append(vec![draft(1), draft(2)], NOW).unwrap();
        for (at, kept) in
            [(FailAt::BeforeCommit, 2), (FailAt::AfterCommit, 3), (FailAt::DiskFull, 3)]
        {
            journal.fail_next(at);
            let error = journal.append(vec![draft(3)], NOW).unwrap_err();
            assert_eq!(error.is_final(), at != FailAt::DiskFull || kept != 3, "{at:?}");
            if error.is_final() {
                let stopped = journal.append(vec![draft(9)], NOW).unwrap_err();
                assert!(matches!(stopped, AppendError::Stopped));
            }
            journal.crash();
            assert_eq!(journal.head().seq, kept, "{at:?}");
        }
        let seqs: Vec<u64> = replay(&journal, 1).map(|record| record.unwrap().seq).collect();
        assert_eq!(seqs, [2, 3]);
    }

    #[test]
    fn erases_payloads_but_not_its_own() {
        let mut journal = MemoryJournal::new();
        journal.append((1..=4).map(draft).collect(), NOW).unwrap();
        let erasure = |range| Erasure {
            ranges: vec![range],
            reason: "personal data".into(),
            actor: Actor::system("test"),
        };
        let written = journal.erase(erasure(2..=3), NOW).unwrap();
        assert_eq!(&*written[0].subject, "2-3");
        let erased = |record: &&Record| record.payload.is_none();
        assert_eq!(journal.committed().iter().filter(erased).count(), 2);
        assert!(matches!(journal.erase(erasure(4..=5), NOW), Err(EraseError::Own { seq: 5 })));
        assert!(matches!(journal.erase(erasure(4..=9), NOW), Err(EraseError::NotThere { .. })));
    }
}
