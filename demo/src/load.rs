//! The customers: requests at a given rate, whatever the answers do (open loop).
//!
//! Arrivals are a Poisson process from a seed. A request that would be the [`IN_FLIGHT_MAX`]th at a time is not sent but counted
//! as shed, so that a shop that hangs cannot grow this process.

mod arrivals;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request};
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, time::Instant};

use self::arrivals::{Arrival, Arrivals};
use crate::{
    cli::{LoadArgs, log, say},
    deployer::client::Deployer,
    net::Client,
    stop,
    topology::{Action, Part},
};

/// Requests without an answer at a time.
const IN_FLIGHT_MAX: usize = 256;
/// How long a customer waits.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the deployer is asked where web is.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);
/// How far behind its plan the generator may fall before it drops the backlog rather than send it as a burst.
const BACKLOG_MAX: Duration = Duration::from_secs(2);

/// What became of the requests.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct LoadSummary {
    pub sent: u64,
    /// Not sent because too many were waiting.
    pub shed: u64,
    /// Answers by HTTP status.
    pub answers: BTreeMap<u16, u64>,
    /// Requests without an answer.
    pub unanswered: u64,
}

struct Customers {
    client: Client,
    targets: Mutex<Vec<String>>,
    summary: Mutex<LoadSummary>,
    slots: Arc<Semaphore>,
}

/// Sends until told to stop; the summary is the last line of output.
pub(crate) async fn run(args: LoadArgs) -> anyhow::Result<()> {
    let customers = Arc::new(Customers {
        client: Client::new(PATIENCE),
        targets: Mutex::new(args.target.clone().into_iter().collect()),
        summary: Mutex::default(),
        slots: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
    });
    let arrivals = Arrivals::new(args.rate, args.seed)?;
    tokio::select! {
        () = follow(&customers, args.deployer.as_deref()) => {}
        () = send_all(&customers, arrivals) => {}
        () = stop::requested(args.watch_stdin) => {}
    }
    // Those still waiting are given a moment, so that the summary is whole.
    let all = u32::try_from(IN_FLIGHT_MAX).unwrap_or(u32::MAX);
    tokio::time::timeout(Duration::from_secs(2), customers.slots.acquire_many(all)).await.ok();
    say(&serde_json::to_string(&*lock(&customers.summary))?);
    Ok(())
}

async fn send_all(customers: &Arc<Customers>, arrivals: Arrivals) {
    let mut planned = Instant::now();
    for arrival in arrivals {
        planned += arrival.after;
        if planned.elapsed() > BACKLOG_MAX {
            planned = Instant::now();
        }
        tokio::time::sleep_until(planned).await;
        let Ok(slot) = Arc::clone(&customers.slots).try_acquire_owned() else {
            lock(&customers.summary).shed += 1;
            continue;
        };
        let customers = Arc::clone(customers);
        tokio::spawn(async move {
            customers.send(&arrival).await;
            drop(slot);
        });
    }
}

/// Keeps the targets as the deployer tells them; never done.
async fn follow(customers: &Customers, deployer: Option<&str>) {
    let Some(address) = deployer else { return std::future::pending().await };
    loop {
        // A deployer that is away for a moment changes nothing.
        let state = match Deployer::at(address) {
            Ok(deployer) => deployer.state().await,
            Err(error) => Err(error),
        };
        match state {
            Ok(state) => *lock(&customers.targets) = state.addresses_of(Part::Web.name()),
            Err(error) => log(&format!("load: {error:#}")),
        }
        tokio::time::sleep(FOLLOW_INTERVAL).await;
    }
}

impl Customers {
    async fn send(&self, arrival: &Arrival) {
        let targets = lock(&self.targets).clone();
        let Some(target) = targets.get(arrival.user as usize % targets.len().max(1)) else {
            return;
        };
        lock(&self.summary).sent += 1;
        let Ok(request) = request(target, arrival) else { return };
        let answer = self.client.send(request).await;
        let mut summary = lock(&self.summary);
        match answer {
            Ok(response) => *summary.answers.entry(response.status().as_u16()).or_default() += 1,
            Err(_) => summary.unanswered += 1,
        }
    }
}

/// The customer's name travels as W3C baggage, so that every service can say whom a failure hurt.
fn request(target: &str, arrival: &Arrival) -> http::Result<Request<Bytes>> {
    let (method, path) = match arrival.action {
        Action::Browse => (Method::GET, "/"),
        Action::Search => (Method::GET, "/search?q=lamp"),
        Action::AddToCart => (Method::POST, "/cart"),
        Action::Checkout => (Method::POST, "/checkout"),
    };
    Request::builder()
        .method(method)
        .uri(format!("{target}{path}"))
        .header("baggage", format!("enduser.id=u-{}", arrival.user))
        .body(Bytes::new())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
