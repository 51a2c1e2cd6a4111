//! What is asked about series beside the value of expressions: which there are, their labels, metadata and exemplars.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use model::{Labels, Matcher, Metadata, Points, SeriesExemplars};
use promql::{Hints, SeriesSource as _};

use super::{CancelOnDrop, Local, MatrixSeries, QueryError};
use crate::{App, control::chain, data_dir::names, telemetry::Stores};

/// What was found, and what is to be said about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found<T> {
    pub found: T,
    pub warnings: Vec<String>,
}

/// A name and how often it was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub name: Box<str>,
    pub count: u64,
}

/// What makes the store large; each list has its largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cardinality {
    pub series: u64,
    pub label_pairs: u64,
    /// Immutable parts on the disk, which stand where Prometheus counts chunks.
    pub chunks: u64,
    /// Unix milliseconds of the oldest and the newest sample, where there is one.
    pub times_ms: Option<(i64, i64)>,
    /// Series of each metric.
    pub metrics: Vec<Counted>,
    /// Values of each label.
    pub labels: Vec<Counted>,
    /// Bytes of each label's values.
    pub label_bytes: Vec<Counted>,
    /// Series of each `name=value`.
    pub pairs: Vec<Counted>,
}

impl<T> From<T> for Found<T> {
    fn from(found: T) -> Self {
        Self { found, warnings: Vec::new() }
    }
}

impl App {
    /// The series that pass any of `selectors` and may have samples from `start_ms` to `end_ms`, sorted, each once; all
    /// series without a selector.
    ///
    /// # Errors
    /// What the store or the remote cluster says.
    pub async fn series(
        &self,
        selectors: Vec<Vec<Matcher>>,
        start_ms: i64,
        end_ms: i64,
        limit: Option<usize>,
    ) -> Result<Found<Vec<Labels>>, QueryError> {
        if let Some(remote) = &self.remote {
            return Ok(remote.series(&selectors, start_ms, end_ms, limit).await?);
        }
        self.on_stores(move |stores| {
            let found = each(&selectors, |one| stores.metrics.series(one, start_ms, end_ms));
            found.into_iter().collect::<Vec<_>>().into()
        })
        .await
    }

    /// The labels' names of such series, sorted.
    ///
    /// # Errors
    /// What the store or the remote cluster says.
    pub async fn label_names(
        &self,
        selectors: Vec<Vec<Matcher>>,
        start_ms: i64,
        end_ms: i64,
        limit: Option<usize>,
    ) -> Result<Found<Vec<Arc<str>>>, QueryError> {
        if let Some(remote) = &self.remote {
            return Ok(remote.label_names(&selectors, start_ms, end_ms, limit).await?);
        }
        self.on_stores(move |stores| {
            let found = each(&selectors, |one| stores.metrics.label_names(one, start_ms, end_ms));
            found.into_iter().collect::<Vec<_>>().into()
        })
        .await
    }

    /// The values of the label `name` of such series, sorted.
    ///
    /// # Errors
    /// What the store or the remote cluster says.
    pub async fn label_values(
        &self,
        name: String,
        selectors: Vec<Vec<Matcher>>,
        start_ms: i64,
        end_ms: i64,
        limit: Option<usize>,
    ) -> Result<Found<Vec<Arc<str>>>, QueryError> {
        if let Some(remote) = &self.remote {
            return Ok(remote.label_values(&name, &selectors, start_ms, end_ms, limit).await?);
        }
        self.on_stores(move |stores| {
            let values =
                |one: &[Matcher]| stores.metrics.label_values(&name, one, start_ms, end_ms);
            each(&selectors, values).into_iter().collect::<Vec<_>>().into()
        })
        .await
    }

    /// What metric families say of themselves, by name; of one family where `metric` names it.
    ///
    /// # Errors
    /// What the remote cluster says.
    pub async fn metadata(
        &self,
        metric: Option<&str>,
    ) -> Result<Found<BTreeMap<Box<str>, Vec<Metadata>>>, QueryError> {
        if let Some(remote) = &self.remote {
            return Ok(remote.metadata(metric).await?);
        }
        let all = self.stores.metrics.metadata();
        let wanted =
            all.into_iter().filter(|(family, _)| metric.is_none_or(|one| one == &**family));
        Ok(wanted.map(|(family, one)| (family, vec![one])).collect::<BTreeMap<_, _>>().into())
    }

    /// Exemplars of the series that pass any of `selectors`.
    ///
    /// # Errors
    /// What the store or the remote cluster says.
    pub async fn exemplars(
        &self,
        selectors: Vec<Vec<Matcher>>,
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<SeriesExemplars>, QueryError> {
        if let Some(remote) = &self.remote {
            return Ok(remote.exemplars(&selectors, start_ms, end_ms).await?);
        }
        self.on_stores(move |stores| {
            let mut found: BTreeMap<Labels, SeriesExemplars> = BTreeMap::new();
            for one in &selectors {
                // A series that two selectors choose is given once.
                for series in stores.metrics.exemplars(one, start_ms, end_ms) {
                    found.entry(series.labels.clone()).or_insert(series);
                }
            }
            found.into_values().collect()
        })
        .await
    }

    /// The samples of the series that pass `matchers`, from `start_ms` to `end_ms`, sorted by their labels. Reading ends when
    /// `query.timeout` is over, or when the returned future is dropped.
    ///
    /// # Errors
    /// [`QueryError::TooMany`] beyond `samples_max`, [`QueryError::Timeout`], and what the store says.
    pub async fn samples(
        &self,
        matchers: Vec<Matcher>,
        start_ms: i64,
        end_ms: i64,
        samples_max: usize,
    ) -> Result<Found<Vec<MatrixSeries>>, QueryError> {
        if let Some(remote) = &self.remote {
            return Ok(remote.samples(&matchers, start_ms, end_ms).await?.into());
        }
        let gone = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&gone);
        let _cancel = CancelOnDrop(gone);
        let (clock, timeout) = (Arc::clone(&self.clock), self.options.query.timeout);
        let began = clock.monotonic();
        let look = move || {
            if seen.load(Ordering::Relaxed) {
                Err(QueryError::Cancelled)
            } else if clock.monotonic().saturating_sub(began) > timeout {
                Err(QueryError::Timeout { timeout })
            } else {
                Ok(())
            }
        };
        let range = (start_ms, end_ms);
        self.on_stores(move |stores| read(stores, &matchers, range, samples_max, look)).await?
    }

    /// What makes the store of this machine large, the `top` of each kind.
    ///
    /// # Errors
    /// When counting broke off.
    pub async fn cardinality(&self, top: usize) -> Result<Cardinality, QueryError> {
        self.on_stores(move |stores| cardinality(stores, top)).await
    }

    /// Deletes the samples of the series that pass any of `selectors`, from `start_ms` to `end_ms`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn delete_series(
        &self,
        selectors: Vec<Vec<Matcher>>,
        start_ms: i64,
        end_ms: i64,
    ) -> Result<(), QueryError> {
        let now = self.clock.now();
        let delete = move |stores: &Stores| {
            for one in &selectors {
                let deleted = stores.metrics.delete(now, one, start_ms, end_ms);
                deleted.map_err(|error| QueryError::Store(chain(&error)))?;
            }
            Ok(())
        };
        self.on_stores(delete).await?
    }

    /// Takes deleted samples off the disk, as far as merges are due.
    ///
    /// # Errors
    /// What the store says.
    pub async fn clean_tombstones(&self) -> Result<(), QueryError> {
        let now = self.clock.now();
        let clean = move |stores: &Stores| {
            let cleaned = stores.metrics.maintain(now);
            cleaned.map(|_| ()).map_err(|error| QueryError::Store(chain(&error)))
        };
        self.on_stores(clean).await?
    }

    /// Copies the metric store below `metrics-snapshots` in the data directory; gives the copy's name.
    ///
    /// # Errors
    /// What the store says.
    pub async fn snapshot_metrics(&self) -> Result<String, QueryError> {
        let now = self.clock.now();
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| QueryError::Broken)?;
        let name = format!("{}-{}", now.to_string().replace(':', ""), hex::encode(random));
        let dir = self.options.data_dir.join(names::METRICS_SNAPSHOTS).join(&name);
        let snapshot = move |stores: &Stores| {
            let made = stores.metrics.snapshot(&dir, now);
            made.map_err(|error| QueryError::Store(chain(&error)))
        };
        self.on_stores(snapshot).await??;
        Ok(name)
    }

    async fn on_stores<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Stores) -> T + Send + 'static,
    ) -> Result<T, QueryError> {
        let stores = Arc::clone(&self.stores);
        tokio::task::spawn_blocking(move || work(&stores)).await.map_err(|_| QueryError::Broken)
    }
}

/// Reads samples through the port that queries read through, as long as `look` allows it.
fn read(
    stores: &Stores,
    matchers: &[Matcher],
    (start_ms, end_ms): (i64, i64),
    max: usize,
    look: impl Fn() -> Result<(), QueryError>,
) -> Result<Found<Vec<MatrixSeries>>, QueryError> {
    let store = |error: promql::SourceError| QueryError::Store(error.message);
    let local = Local(stores);
    let hints = Hints { start_ms, end_ms, ..Hints::default() };
    let set = local.select(matchers, &hints).map_err(store)?;
    let mut left = max;
    let mut found = Vec::with_capacity(set.len());
    for at in 0..set.len() {
        look()?;
        let mut points = Points::default();
        let hint = set.samples_hint(at);
        if hint > left {
            return Err(QueryError::TooMany { max, setting: "query.max_samples" });
        }
        set.read(at, &mut points).map_err(store)?;
        left = left.saturating_sub(points.len());
        if !points.is_empty() {
            found.push(MatrixSeries { labels: set.labels(at), points });
        }
    }
    found.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(Found { found, warnings: set.warnings() })
}

/// Asks once for each selector, or once for everything.
fn each<T: Ord>(selectors: &[Vec<Matcher>], ask: impl Fn(&[Matcher]) -> Vec<T>) -> BTreeSet<T> {
    if selectors.is_empty() {
        return ask(&[]).into_iter().collect();
    }
    selectors.iter().flat_map(|one| ask(one)).collect()
}

fn cardinality(stores: &Stores, top: usize) -> Cardinality {
    let (stats, found) = (stores.metrics.stats(), stores.metrics.cardinality(top));
    let counted = |all: Vec<(Arc<str>, u64)>| -> Vec<Counted> {
        all.into_iter().map(|(name, count)| Counted { name: (&*name).into(), count }).collect()
    };
    Cardinality {
        series: found.series,
        label_pairs: found.pairs,
        chunks: stats.parts as u64,
        times_ms: stats.min_ms.zip(stats.max_ms),
        metrics: counted(found.by_metric),
        labels: counted(found.by_name_values),
        label_bytes: counted(found.by_name_bytes),
        pairs: found
            .by_pair
            .into_iter()
            .map(|(name, value, count)| Counted { name: format!("{name}={value}").into(), count })
            .collect(),
    }
}
