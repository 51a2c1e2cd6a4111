//! The store's face: what callers may do, and who locks what.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::Arc,
};

use model::{Labels, Matcher, Metadata, Series, Timestamp};
use parking_lot::{Mutex, RwLock};
use wal::{Damage, Disk, Position};

use crate::{
    AppendError, Appended, BlockError, METADATA_FAMILIES_MAX, OpenError, Options, Recovery,
    Refused, Replay, ReplayError, SelectError, Selected, Stats, Tick, TickError,
    admit::{Admitted, admit},
    head::Head,
    load, record, select,
    series::Sources,
    writer::{self, Writer},
};

/// A sample store. All methods take `&self` and may be called from many threads; appends are taken one by one.
#[derive(Debug)]
pub struct Tsdb {
    options: Options,
    /// Taken before `head` where both are needed.
    writer: Mutex<Writer>,
    head: RwLock<Head>,
    /// What opening found damaged.
    damage: Damage,
}

impl Tsdb {
    /// Opens or makes the store and reads what a killed process left.
    pub fn open(
        options: Options,
        disk: Arc<dyn Disk>,
        now: Timestamp,
    ) -> Result<(Self, Recovery), OpenError> {
        let (wal, blocks, torn) = writer::open(&options, &disk)?;
        let (head, checkpointed, mut recovery) =
            load::load(&options, &wal, &blocks, now).map_err(OpenError::Read)?;
        recovery.damage.merge(torn);
        let mut writer = Writer::new(wal, blocks, checkpointed, now);
        writer.samples_since = recovery.samples_replayed;
        let store = Self {
            options,
            writer: Mutex::new(writer),
            head: RwLock::new(head),
            damage: recovery.damage.clone(),
        };
        Ok((store, recovery))
    }

    /// Takes samples and metadata; on return they survive a killed process.
    ///
    /// One call is one record of the log: after a kill all of it is there or nothing.
    pub fn append(
        &self,
        received_at: Timestamp,
        series: &[Series],
        metadata: &[Metadata],
    ) -> Result<Appended, AppendError> {
        let mut writer = self.writer.lock();
        let (admitted, metadata, refused) = {
            let head = self.head.read();
            let admitted = admit(&head, &self.options, received_at, series);
            let refused = self.refused(&mut writer, &head, &admitted, received_at);
            (admitted, news(&head, metadata), refused)
        };
        if !admitted.stored.is_empty() || !metadata.is_empty() {
            let payload = record::encode(received_at, &admitted.stored, &metadata);
            writer.wal.append(&payload, received_at).map_err(AppendError::Wal)?;
            writer.samples_since += admitted.samples;
            let mut head = self.head.write();
            for series in &admitted.stored {
                head.insert(received_at, series);
            }
            metadata.into_iter().for_each(|metadata| head.insert_metadata(metadata.clone()));
        }
        for refused in &refused {
            *writer.refused.entry(refused.reason).or_default() += refused.samples;
        }
        let position = writer.wal.end();
        writer.checkpoint_when_overdue(&self.options, &self.head, received_at);
        let Admitted { stored, samples, duplicates, .. } = admitted;
        Ok(Appended { position, samples, duplicates, stored, refused })
    }

    fn refused(
        &self,
        writer: &mut Writer,
        head: &Head,
        admitted: &Admitted,
        now: Timestamp,
    ) -> Vec<Refused> {
        admitted.refused(head, &self.options, |service| writer.offender(head, now, service))
    }

    /// The samples from `start_ms` to `end_ms`, both included, of the series that all matchers pass.
    pub fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Selected, SelectError> {
        let (sources, blocks): (Vec<Sources>, _) = {
            let head = self.head.read();
            let matching = head.matching(matchers, start_ms, end_ms);
            let sources = matching.map(|series| series.sources(start_ms, end_ms)).collect();
            (sources, Arc::clone(&head.blocks))
        };
        select::read(&blocks, sources, (start_ms, end_ms), self.options.select_samples_max)
    }

    /// The labels of the series that all matchers pass and that have samples in the range, or close to it: times are known
    /// by chunk. Sorted.
    pub fn series(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<Labels> {
        let head = self.head.read();
        let matching = head.matching(matchers, start_ms, end_ms);
        let mut labels: Vec<Labels> = matching.map(|series| series.labels.clone()).collect();
        drop(head);
        labels.sort();
        labels
    }

    /// The names of the labels of those series; sorted.
    pub fn label_names(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<Arc<str>> {
        let head = self.head.read();
        let names: BTreeSet<&Arc<str>> = head
            .matching(matchers, start_ms, end_ms)
            .flat_map(|series| series.labels.as_slice().iter().map(|label| &label.name))
            .collect();
        names.into_iter().cloned().collect()
    }

    /// The values that label `name` has in those series; sorted.
    pub fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Vec<Arc<str>> {
        let head = self.head.read();
        let values: BTreeSet<&Arc<str>> = head
            .matching(matchers, start_ms, end_ms)
            .flat_map(|series| series.labels.as_slice())
            .filter(|label| *label.name == *name)
            .map(|label| &label.value)
            .collect();
        values.into_iter().cloned().collect()
    }

    /// What the metric families say of themselves, by family; at most [`METADATA_FAMILIES_MAX`].
    pub fn metadata(&self) -> BTreeMap<Box<str>, Metadata> {
        self.head.read().metadata.clone()
    }

    pub fn stats(&self) -> Stats {
        let (bytes, refused) = {
            let writer = self.writer.lock();
            (writer.wal.bytes() + writer.blocks.bytes(), writer.refused.clone())
        };
        let head = self.head.read();
        let head_bytes: usize = head.series().map(|(_, series)| series.head_bytes()).sum();
        Stats {
            series: head.len(),
            series_active: head.active,
            samples: head.series().map(|(_, series)| series.samples()).sum(),
            bytes,
            head_bytes: u64::try_from(head_bytes).expect("a length in memory fits 64 bits"),
            refused,
            labels: head.top_labels(),
            services: head.top_services(),
            damage: self.damage.clone(),
        }
    }

    /// Where the write-ahead log stands.
    pub fn position(&self) -> Position {
        self.writer.lock().wal.end()
    }

    /// Visits what was appended after `from`, in order.
    pub fn replay(
        &self,
        from: Position,
        mut visit: impl FnMut(Timestamp, Vec<Series>),
    ) -> Result<Replay, ReplayError> {
        let snapshot = self.writer.lock().wal.snapshot();
        let mut undecodable = 0;
        let replayed = snapshot.read(from, |entry| {
            match record::decode(entry.payload) {
                Ok(record) => visit(record.received_at, record.series),
                Err(_) => undecodable += 1,
            }
            ControlFlow::Continue(())
        });
        let replayed = replayed.map_err(ReplayError)?;
        Ok(Replay {
            records: replayed.records - undecodable,
            complete: replayed.complete,
            damage: replayed.damage,
            undecodable,
        })
    }

    /// Keeps the write-ahead log after `position`, whatever its age, until told of a later one.
    pub fn keep_from(&self, position: Position) {
        self.writer.lock().keep_from = Some(position);
    }

    /// Syncs when it is due, checkpoints when it is due, drops what is older than the retention; call it every 100 ms or so.
    pub fn tick(&self, now: Timestamp) -> Result<Tick, TickError> {
        self.writer.lock().tick(&self.options, &self.head, now)
    }

    /// Forces everything appended to the disk.
    pub fn sync(&self) -> Result<(), wal::SyncError> {
        self.writer.lock().wal.sync()
    }

    /// Whether a write or a sync has failed so that only opening the store anew can heal it.
    pub fn is_closed(&self) -> bool {
        let writer = self.writer.lock();
        writer.wal.is_closed() || writer.blocks.is_closed()
    }

    /// Writes the head into blocks, so that the next start replays nothing; for a clean end and before a backup.
    pub fn checkpoint(&self, now: Timestamp) -> Result<(), BlockError> {
        self.writer.lock().checkpoint(&self.options, &self.head, now)
    }
}

/// The metadata that says something new, as far as there is room for it.
fn news<'a>(head: &Head, metadata: &'a [Metadata]) -> Vec<&'a Metadata> {
    let room = METADATA_FAMILIES_MAX.saturating_sub(head.metadata.len());
    let mut news: BTreeMap<&str, &Metadata> = BTreeMap::new();
    let mut added = 0;
    for one in metadata {
        match head.metadata.get(&one.family) {
            Some(known) if known == one => continue,
            None if !news.contains_key(&*one.family) => {
                if added >= room {
                    continue;
                }
                added += 1;
            }
            Some(_) | None => {}
        }
        news.insert(&one.family, one);
    }
    news.into_values().collect()
}
