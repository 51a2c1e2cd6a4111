//! What the store says of itself.

use std::sync::Arc;

use crate::{Offender, Stats, Tsdb, index::Cardinality};

/// How many offenders are named.
const OFFENDERS: usize = 10;

impl Tsdb {
    /// Figures of the store. Cheap enough for every few seconds.
    pub fn stats(&self) -> Stats {
        let (wal_bytes, registry_bytes, exemplar_bytes, refused, refused_by, duplicates) = {
            let log = self.log.lock();
            (
                log.wal.bytes(),
                log.registry.bytes(),
                log.exemplars.bytes(),
                log.refused.clone(),
                log.blamed.list(),
                log.duplicates,
            )
        };
        let cardinality = self.index.cardinality(OFFENDERS);
        let labels = cardinality.by_name_values.iter().map(|(name, count)| offender(name, *count));
        let (parts_damaged, parts_damaged_total) = self.shared.faults.list();
        let head = self.head.lock();
        let frozen = head.frozen.as_ref();
        let metas = || head.parts.iter().map(|part| &part.meta);
        let part_bytes: u64 = metas().map(|meta| meta.bytes).sum();
        let in_memory = head.samples + frozen.map_or(0, |frozen| frozen.samples);
        let mut services: Vec<Offender> = head
            .emitters
            .services()
            .iter()
            .filter(|service| service.active > 0)
            .map(|service| Offender { name: Box::from(&*service.name), count: service.active })
            .collect();
        services.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        services.truncate(OFFENDERS);
        let bounds = metas().map(|meta| (meta.min_ms, meta.max_ms));
        let bounds = bounds.chain(frozen.map(|frozen| (frozen.min_ms, frozen.max_ms)));
        let own = (head.samples > 0).then_some((head.min_ms, head.max_ms));
        let bounds: Vec<(i64, i64)> = bounds.chain(own).collect();
        Stats {
            series: self.index.len(),
            series_active: head.active,
            samples: metas().map(|meta| meta.samples).sum::<u64>() + in_memory,
            bytes: wal_bytes + registry_bytes + exemplar_bytes + part_bytes,
            wal_bytes,
            registry_bytes,
            part_bytes,
            parts: head.parts.len(),
            min_ms: bounds.iter().map(|(min, _)| *min).min(),
            max_ms: bounds.iter().map(|(_, max)| *max).max(),
            head_samples: in_memory,
            head_bytes: head.sample_bytes() as u64,
            index_bytes: (self.index.memory() + head.known_bytes()) as u64,
            exemplars: self.exemplars.read().len(),
            tombstones: head.tombstones.len(),
            refused,
            refused_by,
            duplicates,
            labels: labels.collect(),
            services,
            damage: self.damage.clone(),
            parts_damaged,
            parts_damaged_total,
        }
    }

    /// Who has the most series, label values and bytes of labels; `top` of each.
    pub fn cardinality(&self, top: usize) -> Cardinality {
        self.index.cardinality(top)
    }
}

fn offender(name: &Arc<str>, count: u64) -> Offender {
    Offender { name: Box::from(&**name), count: usize::try_from(count).unwrap_or(usize::MAX) }
}
