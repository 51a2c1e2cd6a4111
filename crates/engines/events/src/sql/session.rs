//! A session that can compute, and nothing else.

use std::sync::Arc;

use datafusion::{
    config::ConfigOptions,
    error::{DataFusionError, Result},
    execution::{
        SessionState, SessionStateBuilder, SessionStateDefaults,
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::GreedyMemoryPool,
        object_store::ObjectStoreRegistry,
        runtime_env::RuntimeEnvBuilder,
    },
    prelude::{SessionConfig, SessionContext},
};
use object_store::{ObjectStore, memory::InMemory};
use url::Url;

use super::{SqlLimits, reader::Reading, table::EventsTable};
use crate::state::View;

/// The scheme under which DataFusion believes our files to lie.
pub(super) const SCHEME: &str = "evenkeel://parts/";

/// Functions that tell of the server or make work out of nothing.
const NOT_THERE: &[&str] = &["version"];

/// A context with both tables.
pub(super) fn context(
    views: &[View],
    reading: &Arc<Reading>,
    limits: &SqlLimits,
) -> Result<SessionContext> {
    let context = SessionContext::new_with_state(state(limits)?);
    for view in views {
        let table = EventsTable::new(view.clone(), Arc::clone(reading))?;
        context.register_table(view.signal.as_str(), Arc::new(table))?;
    }
    Ok(context)
}

fn state(limits: &SqlLimits) -> Result<SessionState> {
    let mut options = ConfigOptions::new();
    options.sql_parser.enable_ident_normalization = false;
    options.execution.target_partitions = limits.parallel.max(1);
    options.execution.parquet.bloom_filter_on_read = false;
    // Our files say in their schemas which attributes they know.
    options.execution.parquet.skip_metadata = false;
    options.execution.collect_statistics = false;
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(limits.memory_bytes)))
        .with_disk_manager_builder(
            DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
        )
        .with_object_store_registry(Arc::new(NoStores))
        .build_arc()?;
    let scalar = SessionStateDefaults::default_scalar_functions();
    let scalar = scalar.into_iter().filter(|one| !NOT_THERE.contains(&one.name()));
    let state = SessionStateBuilder::new()
        .with_config(SessionConfig::from(options))
        .with_runtime_env(runtime)
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(scalar.collect())
        .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
        .with_window_functions(SessionStateDefaults::default_window_functions())
        .build();
    Ok(state)
}

/// No store but one that is empty: our files are read by [`super::reader`], all else is not there.
#[derive(Debug)]
struct NoStores;

impl ObjectStoreRegistry for NoStores {
    fn register_store(
        &self,
        _url: &Url,
        _store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if url.scheme() == "evenkeel" {
            Ok(Arc::new(InMemory::new()))
        } else {
            Err(DataFusionError::Plan(format!("there is no `{url}`")))
        }
    }
}
