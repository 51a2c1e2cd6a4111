//! The verification itself: rows in, in the order of their numbers; what can be trusted and what is wrong out.
//!
//! The *tip* is the last trusted record. A row is trusted when it is sound by itself, has the next number, and is
//! chained to the tip. From the first row that is not, nothing is trusted until trust starts again, with a *segment* after a *break*:
//!
//! - at a `journal.resumed_after_break` that is sound and chained to a trusted record, and whose range ends just before it;
//! - at the first of the sound rows, chained to each other, that lead to the row which the signed checkpoint names, for its hash covers
//!   them all; or to the fact by which a person accepted just this break.
//!
//! **Invariant:** nothing here reads a file; memory grows with what is wrong, not with the journal.

use model::Timestamp;

use crate::{
    checkpoint::Checkpoint,
    fact::{Hash, Head},
    own::{Own, Range},
    report::{Accepted, Break, CheckpointState, Finding, Reason, Report},
};

/// How many bad rows, and how many missing numbers, are tried against each other to find what moved where.
pub(crate) const MOVE_CANDIDATES_MAX: usize = 64;

/// A row, already checked by itself.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) seq: u64,
    pub(crate) recorded_at: Timestamp,
    pub(crate) prev_hash: Hash,
    pub(crate) hash: Hash,
    pub(crate) fault: Option<Reason>,
    pub(crate) own: Option<Own>,
    /// What an [`Own::Accepted`] says besides its range.
    pub(crate) accepted: Option<Accepted>,
}

/// What the rows gave.
#[derive(Clone, Debug)]
pub(crate) struct Walked {
    pub(crate) records: u64,
    pub(crate) head: Head,
    pub(crate) segments: Vec<Range>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) findings_omitted: u64,
    pub(crate) breaks: Vec<Break>,
    pub(crate) checkpoint: CheckpointState,
    pub(crate) last_recorded_at: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) struct Walk {
    checkpoint: Result<Checkpoint, Reason>,
    contradicted: bool,
    records: u64,
    tip: Head,
    tip_prev: Hash,
    segments: Vec<Range>,
    breaks: Vec<Break>,
    broken: bool,
    /// The sound rows, chained to each other, that end with the last row; only where nothing is trusted.
    run: Option<Run>,
    /// The run that a bad row ended; a resumption that is chained to it takes it up again.
    ended: Option<Run>,
    /// The row before this one, whether trusted or not.
    last_seq: u64,
    last_hash: Hash,
    last_sound: bool,
    last_sound_seq: u64,
    /// Record `n` and `n + 1` are sound, but not chained to each other; the next row says which one to blame.
    doubt: Option<u64>,
    findings: Vec<Finding>,
    findings_omitted: u64,
    last_recorded_at: Option<Timestamp>,
    damaged: bool,
}

/// Rows that may be proved by one that comes.
#[derive(Debug)]
struct Run {
    first: u64,
    last: Head,
    /// What is skipped within it, each with the record that resumed after it.
    gaps: Vec<(Range, u64)>,
    recorded_at: Timestamp,
    accepted: Vec<(Range, Option<Accepted>)>,
}

impl Walk {
    pub(crate) fn new(checkpoint: Result<Checkpoint, Reason>) -> Self {
        Self {
            checkpoint,
            contradicted: false,
            records: 0,
            tip: Head::default(),
            tip_prev: [0; 32],
            segments: Vec::new(),
            breaks: Vec::new(),
            broken: false,
            run: None,
            ended: None,
            last_seq: 0,
            last_hash: [0; 32],
            last_sound: true,
            last_sound_seq: 0,
            doubt: None,
            findings: Vec::new(),
            findings_omitted: 0,
            last_recorded_at: None,
            damaged: false,
        }
    }

    /// Takes the next row; `stored_hash` reads the hash of a row that came before.
    pub(crate) fn see(&mut self, mut seen: Seen, stored_hash: impl FnOnce(u64) -> Option<Hash>) {
        self.records += 1;
        self.compare_with_checkpoint(&mut seen);
        let adjacent = seen.seq == self.last_seq + 1;
        let sound = seen.fault.is_none();
        let linked = seen.prev_hash == self.last_hash;
        let may_resume =
            sound && matches!(seen.own, Some(Own::Resumed(range)) if range.last + 1 == seen.seq);
        self.settle_doubt(adjacent && sound && !may_resume, linked);
        let resumed = if may_resume { self.resumption(&seen, stored_hash) } else { None };
        if !adjacent {
            self.find(self.last_seq + 1, seen.seq - 1, Reason::Removed);
        } else if sound && self.last_sound && !linked && resumed.is_none() && !self.just_blamed() {
            self.doubt = Some(self.last_seq);
        }
        match resumed {
            Some(range) => self.resume(&seen, range),
            None if !self.broken
                && sound
                && seen.seq == self.tip.seq + 1
                && seen.prev_hash == self.tip.hash =>
            {
                self.trust(&seen);
            }
            None => {
                self.broken = true;
                self.run_on(&seen, adjacent && linked);
            }
        }
        (self.last_seq, self.last_hash, self.last_sound) = (seen.seq, seen.hash, sound);
        match seen.fault {
            Some(reason) => self.find(seen.seq, seen.seq, reason),
            None => self.last_sound_seq = seen.seq,
        }
    }

    /// Takes a row that is no record.
    pub(crate) fn see_unreadable(&mut self, seq: u64, what: String) {
        self.records += 1;
        self.settle_doubt(false, false);
        if seq > self.last_seq + 1 {
            self.find(self.last_seq + 1, seq - 1, Reason::Removed);
        }
        self.find(seq, seq, Reason::Unreadable { what });
        (self.last_seq, self.last_sound) = (seq.max(self.last_seq), false);
        self.broken = true;
        self.run = None;
    }

    /// The file gives no more rows than those seen.
    pub(crate) fn see_damage(&mut self, what: String) {
        self.settle_doubt(false, false);
        let first = self.last_seq + 1;
        let last = self.checkpoint.as_ref().map_or(first, |checkpoint| checkpoint.seq.max(first));
        self.find(first, last, Reason::Damaged { what });
        self.broken = true;
        self.damaged = true;
    }

    /// Rows that are bad by themselves, and numbers that have none; some of each, to be tried against each other.
    pub(crate) fn suspects(&self) -> (Vec<u64>, Vec<u64>) {
        let of = |wanted: fn(&Reason) -> bool| {
            let found = self.findings.iter().filter(move |finding| wanted(&finding.reason));
            found
                .flat_map(|finding| finding.first..=finding.last)
                .take(MOVE_CANDIDATES_MAX)
                .collect()
        };
        (of(|reason| *reason == Reason::FieldsChanged), of(|reason| *reason == Reason::Removed))
    }

    /// The bad row at `seq` is what stood at `from`.
    pub(crate) fn found_moved(&mut self, seq: u64, from: u64) {
        let changed = |finding: &&mut Finding| {
            finding.first == seq && finding.reason == Reason::FieldsChanged
        };
        if let Some(finding) = self.findings.iter_mut().find(changed) {
            finding.reason = Reason::Moved { from };
        }
    }

    pub(crate) fn finish(mut self) -> Walked {
        // A last record that the checkpoint proves is genuine; then the one before it is not.
        let proved =
            self.checkpoint.as_ref().is_ok_and(|checkpoint| checkpoint.seq == self.last_seq);
        self.settle_doubt(proved && !self.contradicted, true);
        self.forget_what_never_was();
        let checkpoint = self.judge_checkpoint();
        if self.broken {
            let proved = self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.seq);
            let last = self.last_seq.max(proved);
            self.push_break(Range { first: self.tip.seq + 1, last }, None);
        }
        for found in &mut self.breaks {
            let within = |finding: &&Finding| {
                finding.last >= found.first && finding.first <= found.last.max(found.first)
            };
            if let Some(finding) =
                self.findings.iter().filter(within).min_by_key(|finding| finding.first)
            {
                found.reason = finding.reason.clone();
            }
        }
        let accepted: Vec<Range> = self
            .breaks
            .iter()
            .filter(|found| found.accepted.is_some())
            .map(|found| Range { first: found.first, last: found.last })
            .collect();
        self.findings.retain(|finding| {
            !accepted
                .iter()
                .any(|range| range.contains(finding.first) && range.contains(finding.last))
        });
        self.findings.sort_by_key(|finding| finding.first);
        Walked {
            records: self.records,
            head: self.tip,
            segments: self.segments,
            findings: self.findings,
            findings_omitted: self.findings_omitted,
            breaks: self.breaks,
            checkpoint,
            last_recorded_at: self.last_recorded_at,
        }
    }

    fn compare_with_checkpoint(&mut self, seen: &mut Seen) {
        if let Ok(checkpoint) = &self.checkpoint
            && checkpoint.seq == seen.seq
            && checkpoint.hash != seen.hash
        {
            self.contradicted = true;
            seen.fault.get_or_insert(Reason::CheckpointDiffers);
        }
    }

    /// Whether this row takes up the chain again, and after which range.
    fn resumption(
        &self,
        seen: &Seen,
        stored_hash: impl FnOnce(u64) -> Option<Hash>,
    ) -> Option<Range> {
        let Some(Own::Resumed(range)) = seen.own else { return None };
        let before = range.first - 1;
        let hash = if before == self.tip.seq {
            Some(self.tip.hash)
        } else if before == 0 {
            Some([0; 32])
        } else if self.segments.iter().any(|segment| segment.contains(before)) {
            stored_hash(before)
        } else {
            None
        };
        (hash == Some(seen.prev_hash)).then_some(range)
    }

    /// Takes a row where nothing is trusted; when it proves the rows before it, they are trusted from here on.
    fn run_on(&mut self, seen: &Seen, chained: bool) {
        if seen.fault.is_some() {
            self.ended = self.run.take().or(self.ended.take());
            return;
        }
        let last = Head { seq: seen.seq, hash: seen.hash };
        let going_on = self.run.take_if(|_| chained).or_else(|| self.taken_up_again(seen));
        let run = match going_on {
            Some(run) => Run { last, recorded_at: run.recorded_at.max(seen.recorded_at), ..run },
            None => Run {
                first: seen.seq,
                last,
                gaps: Vec::new(),
                recorded_at: seen.recorded_at,
                accepted: Vec::new(),
            },
        };
        let run = self.run.insert(run);
        let mut proved = self
            .checkpoint
            .as_ref()
            .is_ok_and(|checkpoint| checkpoint.seq == seen.seq && checkpoint.hash == seen.hash);
        if let Some(Own::Accepted(range)) = seen.own {
            run.accepted.push((range, seen.accepted.clone()));
            proved |= range.first == self.tip.seq + 1 && range.last + 1 == run.first;
        }
        if proved {
            self.take_run(seen);
        }
    }

    /// The run that ended before a bad row, when `seen` resumes after just that and is chained to it.
    fn taken_up_again(&mut self, seen: &Seen) -> Option<Run> {
        let Some(Own::Resumed(range)) = seen.own else { return None };
        let mut run = self.ended.take_if(|run| {
            (run.last.seq + 1, run.last.hash) == (range.first, seen.prev_hash)
                && range.last + 1 == seen.seq
        })?;
        run.gaps.push((range, seen.seq));
        Some(run)
    }

    /// Trusts the run that ends with `seen`.
    fn take_run(&mut self, seen: &Seen) {
        let Some(run) = self.run.take() else { return };
        // The row before the run was sound, but the run's first, which is genuine, is not chained to it.
        if self.doubt.is_some_and(|doubted| doubted + 1 == run.first) {
            self.settle_doubt(true, true);
        }
        self.push_break(Range { first: self.tip.seq + 1, last: run.first - 1 }, Some(run.first));
        let mut first = run.first;
        for (gap, resumed_at) in run.gaps {
            self.segments.push(Range { first, last: gap.first - 1 });
            self.push_break(gap, Some(resumed_at));
            first = resumed_at;
        }
        self.segments.push(Range { first, last: seen.seq });
        self.broken = false;
        self.last_recorded_at = self.last_recorded_at.max(Some(run.recorded_at));
        self.stand_at(seen);
        for (range, accepted) in run.accepted {
            self.accept(range, &accepted);
        }
    }

    fn resume(&mut self, seen: &Seen, range: Range) {
        self.run = None;
        self.segments.retain(|segment| segment.first < range.first);
        if let Some(segment) = self.segments.last_mut() {
            segment.last = segment.last.min(range.first - 1);
        }
        let trusted = |seq: u64| seq < range.first;
        self.breaks.retain(|found| found.resumed_at.is_some_and(trusted));
        for found in &mut self.breaks {
            found.accepted.take_if(|accepted| !trusted(accepted.seq));
        }
        self.push_break(range, Some(seen.seq));
        self.segments.push(Range { first: seen.seq, last: seen.seq });
        self.broken = false;
        self.stand_at(seen);
    }

    fn trust(&mut self, seen: &Seen) {
        match self.segments.last_mut() {
            Some(segment) => segment.last = seen.seq,
            None => self.segments.push(Range { first: seen.seq, last: seen.seq }),
        }
        self.stand_at(seen);
        if let Some(Own::Accepted(range)) = seen.own {
            self.accept(range, &seen.accepted);
        }
    }

    fn accept(&mut self, range: Range, accepted: &Option<Accepted>) {
        let same = |found: &&mut Break| (found.first, found.last) == (range.first, range.last);
        if let Some(found) =
            self.breaks.iter_mut().filter(same).find(|found| found.accepted.is_none())
        {
            found.accepted.clone_from(accepted);
        }
    }

    fn stand_at(&mut self, seen: &Seen) {
        self.tip = Head { seq: seen.seq, hash: seen.hash };
        self.tip_prev = seen.prev_hash;
        self.last_recorded_at = self.last_recorded_at.max(Some(seen.recorded_at));
    }

    /// Blames record `n`, `n + 1` or both for a broken link between them, now that the row after them is seen.
    ///
    /// When `n + 1` is not chained to what follows either, it is the one that was written anew; when it is, it is genuine, and `n` is not.
    fn settle_doubt(&mut self, comparable: bool, linked: bool) {
        let Some(doubted) = self.doubt.take() else { return };
        let (first, last) = match (comparable, linked) {
            (true, true) => (doubted, doubted),
            (true, false) => (doubted + 1, doubted + 1),
            (false, _) => (doubted, doubted + 1),
        };
        self.find(first, last, Reason::Rewritten);
        if self.tip.seq == first {
            self.step_back();
        }
    }

    /// Whether the row before this one was just found to be written anew, so that its link says nothing more.
    fn just_blamed(&self) -> bool {
        self.findings.last().is_some_and(|finding| {
            finding.reason == Reason::Rewritten && finding.last == self.last_seq
        })
    }

    /// Takes the trust from the tip.
    fn step_back(&mut self) {
        if let Some(segment) = self.segments.last_mut() {
            if segment.first == segment.last {
                let first = segment.first;
                self.segments.pop();
                self.breaks.pop_if(|found| found.resumed_at == Some(first));
            } else {
                segment.last -= 1;
            }
        }
        let seq = self.segments.last().map_or(0, |segment| segment.last);
        self.tip = Head { seq, hash: self.tip_prev };
        self.broken = true;
    }

    /// Drops missing numbers beyond the last genuine row: only a row that moved there makes them seem missing.
    fn forget_what_never_was(&mut self) {
        let faulty = self
            .findings
            .iter()
            .filter(|finding| !matches!(finding.reason, Reason::Removed | Reason::Moved { .. }));
        let proved = self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.seq);
        let genuine =
            faulty.map(|finding| finding.last).fold(self.last_sound_seq.max(proved), u64::max);
        for finding in &mut self.findings {
            if finding.reason == Reason::Removed {
                finding.last = finding.last.min(genuine);
            }
        }
        self.findings.retain(|finding| finding.first <= finding.last);
    }

    fn judge_checkpoint(&mut self) -> CheckpointState {
        match self.checkpoint.clone() {
            Ok(Checkpoint { seq, at, .. }) => {
                if seq > self.last_seq && !self.damaged {
                    self.find(self.last_seq + 1, seq, Reason::CutTail);
                }
                if seq > self.last_seq {
                    self.broken = true;
                    self.contradicted = true;
                }
                if self.contradicted {
                    CheckpointState::Contradicts { seq, at }
                } else {
                    CheckpointState::Holds { seq, at }
                }
            }
            Err(Reason::CheckpointMissing) if self.records == 0 => CheckpointState::NotNeeded,
            Err(reason) => {
                self.find(self.last_seq + 1, self.last_seq + 1, reason.clone());
                self.broken = true;
                CheckpointState::Proves(reason)
            }
        }
    }

    fn push_break(&mut self, range: Range, resumed_at: Option<u64>) {
        self.breaks.push(Break {
            first: range.first,
            last: range.last,
            reason: Reason::Skipped,
            resumed_at,
            accepted: None,
        });
    }

    fn find(&mut self, first: u64, last: u64, reason: Reason) {
        if self.findings.len() < Report::FINDINGS_MAX {
            self.findings.push(Finding { first, last, reason });
        } else {
            self.findings_omitted += 1;
        }
    }
}
