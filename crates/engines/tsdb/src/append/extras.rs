//! What comes with samples: exemplars and metadata.

use std::collections::BTreeMap;

use model::{Metadata, SeriesExemplars, Timestamp};

use super::oldest_ms;
use crate::{
    AppendError, METADATA_FAMILIES_MAX, Tsdb,
    exemplars::{self, LOG_BYTES_MAX},
    store::Log,
};

impl Tsdb {
    pub(super) fn append_exemplars(
        &self,
        log: &mut Log,
        received_at: Timestamp,
        offered: &[SeriesExemplars],
    ) -> Result<Vec<SeriesExemplars>, AppendError> {
        if offered.is_empty() {
            return Ok(Vec::new());
        }
        let mut known = self.exemplars.write();
        let mut news = known.news(offered);
        let oldest = oldest_ms(&self.options, received_at);
        news.retain(|(_, exemplar)| exemplar.at_ms >= oldest);
        if news.is_empty() {
            return Ok(Vec::new());
        }
        log.exemplars
            .append(&exemplars::encode(&news), received_at)
            .map_err(AppendError::Exemplars)?;
        if log.exemplars.bytes() > LOG_BYTES_MAX {
            // What cannot be dropped now is tried again with the next.
            drop(log.exemplars.drop_to(LOG_BYTES_MAX));
        }
        for (labels, exemplar) in &news {
            known.insert(labels, (*exemplar).clone());
        }
        let runs = news.chunk_by(|(a, _), (b, _)| a == b);
        let taken = runs.map(|run| SeriesExemplars {
            labels: run[0].0.clone(),
            exemplars: run.iter().map(|(_, exemplar)| (*exemplar).clone()).collect(),
        });
        Ok(taken.collect())
    }

    pub(super) fn append_metadata(
        &self,
        log: &mut Log,
        received_at: Timestamp,
        metadata: &[Metadata],
    ) -> Result<(), AppendError> {
        if metadata.is_empty() {
            return Ok(());
        }
        let news = self.news(metadata);
        if news.is_empty() {
            return Ok(());
        }
        log.registry.add_metadata(&news, received_at).map_err(AppendError::Registry)?;
        let mut known = self.metadata.write();
        known.extend(news.into_iter().map(|one| (one.family.clone(), one.clone())));
        Ok(())
    }

    /// The metadata that says something new, as far as there is room for it.
    fn news<'a>(&self, metadata: &'a [Metadata]) -> Vec<&'a Metadata> {
        let known = self.metadata.read();
        let mut room = METADATA_FAMILIES_MAX.saturating_sub(known.len());
        let mut news: BTreeMap<&str, &Metadata> = Default::default();
        for one in metadata {
            match known.get(&one.family) {
                Some(known) if known == one => continue,
                None if !news.contains_key(&*one.family) => match room.checked_sub(1) {
                    Some(left) => room = left,
                    None => continue,
                },
                Some(_) | None => {}
            }
            news.insert(&one.family, one);
        }
        news.into_values().collect()
    }
}
