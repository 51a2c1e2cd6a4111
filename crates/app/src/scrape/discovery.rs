//! Who is to be scraped: each discovery looks again and again, and says what it found.

mod dns;
mod files;
mod http;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use scrape::{Discovery, Group};
use tokio::sync::{mpsc, watch};

pub(crate) use dns::Resolver;

use super::fetch::Budget;

/// Updates of a job's discoveries that wait for it.
const UPDATES_MAX: usize = 16;

/// What one discovery found: all of it, in place of what it found before.
#[derive(Debug)]
pub(super) struct Update {
    /// The discovery's place in its job.
    pub(super) at: usize,
    pub(super) groups: Vec<Group>,
    /// What of it failed; what was found before stands for that.
    pub(super) error: Option<Arc<str>>,
}

/// What discoveries use together.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    pub(super) resolver: Arc<Resolver>,
    pub(super) budget: Arc<Budget>,
}

/// Starts a job's discoveries. They end when `alive` does, or when nobody takes their updates.
pub(super) fn start(
    discoveries: &[Discovery],
    tools: &Tools,
    alive: &watch::Receiver<()>,
) -> mpsc::Receiver<Update> {
    let (sender, updates) = mpsc::channel(UPDATES_MAX);
    for (at, discovery) in discoveries.iter().enumerate() {
        let looker = Looker { at, updates: sender.clone(), tools: tools.clone() };
        let discovery = discovery.clone();
        let mut alive = alive.clone();
        tokio::spawn(async move {
            let looking = looker.look(discovery);
            tokio::select! {
                () = looking => {}
                // Changed or closed: the job is no more.
                _ = alive.changed() => {}
            }
        });
    }
    updates
}

/// One discovery at work.
struct Looker {
    at: usize,
    updates: mpsc::Sender<Update>,
    tools: Tools,
}

impl Looker {
    async fn look(self, discovery: Discovery) {
        match discovery {
            Discovery::Static(groups) => {
                self.say(groups, None).await;
            }
            Discovery::Files { patterns, refresh } => files::look(self, patterns, refresh).await,
            Discovery::Http { url, refresh, client } => {
                http::look(self, &url, refresh, *client).await
            }
            Discovery::Dns { names, kind, port, refresh } => {
                dns::look(self, &names, kind, port, refresh).await;
            }
        }
    }

    /// `false` when nobody listens any more.
    async fn say(&self, groups: Vec<Group>, error: Option<Arc<str>>) -> bool {
        self.updates.send(Update { at: self.at, groups, error }).await.is_ok()
    }
}

/// What a discovery of several sources found of each when it last could.
#[derive(Debug, Default)]
struct Found(BTreeMap<Box<str>, Vec<Group>>);

impl Found {
    fn groups(&self) -> Vec<Group> {
        self.0.values().flatten().cloned().collect()
    }
}

/// Waits for the next look.
async fn pause(refresh: Duration) {
    tokio::time::sleep(refresh.max(Duration::from_secs(1))).await;
}
