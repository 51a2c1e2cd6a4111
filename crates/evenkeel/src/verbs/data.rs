//! `evenkeel backup` and `evenkeel restore`.

use app::backup;
use serde::Serialize;

use crate::{
    cli::{BackupArgs, Remote, RestoreArgs},
    config,
    exit::{Exit, Failure},
    output::{self, Human},
};

/// What was copied, and the proof.
#[derive(Debug, Serialize)]
struct Copied {
    from: String,
    to: String,
    files: usize,
    bytes: u64,
    facts: u64,
    head_seq: u64,
    head_hash: String,
    journal_whole: bool,
}

pub(super) fn backup(remote: &Remote, args: BackupArgs) -> Result<Exit, Failure> {
    let BackupArgs { data, to } = args;
    let from = config::data_dir(data.into())?;
    let manifest = backup::backup(&from, &to, super::now())
        .map_err(|error| Failure::new(Exit::Failed, error))?;
    report(remote, from.as_str(), to.as_str(), &manifest)
}

pub(super) fn restore(remote: &Remote, args: &RestoreArgs) -> Result<Exit, Failure> {
    let RestoreArgs { from, data_dir } = args;
    let restored = backup::restore(from, data_dir, super::now())
        .map_err(|error| Failure::new(Exit::Failed, error))?;
    report(remote, from.as_str(), data_dir.as_str(), &restored.manifest)
}

/// A journal that was broken is copied as it is, and said to be: exit code 1.
fn report(
    remote: &Remote,
    from: &str,
    to: &str,
    manifest: &backup::Manifest,
) -> Result<Exit, Failure> {
    let journal = &manifest.journal;
    let copied = Copied {
        from: from.to_owned(),
        to: to.to_owned(),
        files: manifest.files.len(),
        bytes: manifest.files.iter().map(|file| file.bytes).sum(),
        facts: journal.records,
        head_seq: journal.head_seq,
        head_hash: journal.head_hash.clone(),
        journal_whole: journal.whole,
    };
    output::print(remote.output, &copied)?;
    Ok(if copied.journal_whole { Exit::Ok } else { Exit::Failed })
}

impl Human for Copied {
    fn human(&self) -> String {
        let state = if self.journal_whole { "whole" } else { "BROKEN, as it was before" };
        format!(
            "{} -> {}: {} files, {} bytes, all equal\njournal: {state}, {} facts, head {} {}",
            self.from, self.to, self.files, self.bytes, self.facts, self.head_seq, self.head_hash
        )
    }
}
