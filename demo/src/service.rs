//! One instance of one service: it answers requests, calls its peers, and tells of all that by OpenTelemetry.
//!
//! Beside its own routes every instance answers `GET /-/health`, `POST /-/peers` (whom to call from now on; the deployer sends
//! it before an instance goes away) and `POST /-/fault`. These are not traced.

mod behaviour;
mod call;
mod export;
mod faults;
mod peers;
mod telemetry;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use opentelemetry::Context;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) use faults::Fault;
#[cfg(test)]
pub(crate) use telemetry::DURATION_BOUNDS;

use self::{
    behaviour::{Failure, Operation},
    faults::Faults,
    peers::Peers,
    telemetry::{Identity, Served, Telemetry},
};
use crate::{
    cli::{ServiceArgs, log, say},
    net::{self, Client, Handler, json},
    stop,
    topology::Part,
};

/// How long a service waits for a peer.
const PEER_TIMEOUT: Duration = Duration::from_secs(5);
/// The added delay of the fault `slow`.
const SLOWNESS: Duration = Duration::from_millis(900);
/// Carts that are kept; the oldest customers' go first.
const CARTS_MAX: usize = 5_000;

/// The first line that a service prints.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Listening {
    pub(crate) listening: String,
}

/// `POST /-/fault`
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct FaultOrder {
    pub(crate) fault: String,
    pub(crate) on: bool,
}

/// `POST /-/peers`: for each named peer all its addresses.
pub(crate) type PeerOrder = BTreeMap<String, Vec<String>>;

struct Instance {
    part: Part,
    version: String,
    peers: Peers,
    faults: Faults,
    telemetry: Telemetry,
    client: Client,
    dice: Mutex<StdRng>,
    carts: Mutex<BTreeMap<String, Vec<u32>>>,
}

/// Serves until told to stop, and exports what is left.
pub(crate) async fn run(args: ServiceArgs) -> anyhow::Result<()> {
    let part: Part = args.name.parse()?;
    let identity = Identity {
        service: args.name,
        version: args.version.clone(),
        instance: args.instance,
        environment: args.environment,
    };
    let otlp = args.otlp.filter(|_| part != Part::Provider);
    let telemetry = Telemetry::start(&identity, otlp.as_deref())?;
    let instance = Arc::new(Instance {
        part,
        version: args.version,
        peers: Peers::parse(&args.peers)?,
        faults: Faults::parse(&args.fault)?,
        telemetry,
        client: Client::new(PEER_TIMEOUT),
        dice: Mutex::new(StdRng::seed_from_u64(u64::from(std::process::id()))),
        carts: Mutex::default(),
    });
    let (listener, address) = net::bind(args.listen).await?;
    say(&serde_json::to_string(&Listening { listening: format!("http://{address}") })?);
    net::serve(listener, Arc::clone(&instance), stop::requested(args.watch_stdin)).await;
    let telemetry = instance.telemetry.clone();
    // The exporters need this runtime while shutdown waits for them: so it waits elsewhere.
    tokio::task::spawn_blocking(move || telemetry.shutdown()).await?;
    Ok(())
}

impl Handler for Instance {
    async fn handle(self: Arc<Self>, request: Request<Bytes>) -> Response<Bytes> {
        match request.uri().path() {
            "/-/health" => json(StatusCode::OK, &json!({"version": self.version})),
            "/-/peers" => self.control(&request, |order: PeerOrder| {
                self.peers.replace(order);
                Ok(())
            }),
            "/-/fault" => self.control(&request, |order: FaultOrder| {
                self.faults.set(order.fault.parse()?, order.on)
            }),
            _ => self.serve(&request).await,
        }
    }
}

impl Instance {
    fn control<T: for<'a> Deserialize<'a>>(
        &self,
        request: &Request<Bytes>,
        act: impl FnOnce(T) -> anyhow::Result<()>,
    ) -> Response<Bytes> {
        let order = serde_json::from_slice(request.body()).map_err(anyhow::Error::from);
        match order.and_then(act) {
            Ok(()) => json(StatusCode::OK, &json!({})),
            Err(error) => json(StatusCode::BAD_REQUEST, &json!({"error": error.to_string()})),
        }
    }

    /// One request of a customer: a server span around the work, and its duration as a metric.
    async fn serve(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let started = Instant::now();
        let operation = Operation::of(self.part, request.method(), request.uri().path());
        let route = operation.as_ref().map(Operation::route);
        let cx = self.telemetry.server_span(request, route);
        let outcome = match operation {
            Some(operation) => self.work(operation, &cx).await,
            None => Err(Failure::not_found(request.uri().path())),
        };
        let (status, body) = match outcome {
            Ok(body) => (StatusCode::OK, body),
            Err(failure) => {
                if failure.status.is_server_error() {
                    self.telemetry.failed(&cx, &failure);
                    log(&format!("{} {}: {}", self.part, self.version, failure.message));
                }
                (failure.status, json!({"error": failure.message}))
            }
        };
        let served = Served { method: request.method(), route, status, took: started.elapsed() };
        self.telemetry.served(&cx, &served);
        json(status, &body)
    }

    async fn work(&self, operation: Operation, cx: &Context) -> Result<serde_json::Value, Failure> {
        tokio::time::sleep(self.thinking_time()).await;
        self.faults.check()?;
        self.perform(operation, cx).await
    }

    /// Most answers are quick, few are slow: an exponential tail over a floor.
    fn thinking_time(&self) -> Duration {
        let point: f64 = self.roll();
        let typical = Duration::from_millis(match self.part {
            Part::Web | Part::Auth | Part::Cart => 2,
            Part::Catalog | Part::Checkout | Part::Payment => 4,
            Part::Search => 8,
            Part::Provider => 20,
        });
        let tail = (-(1.0 - point).ln()).min(8.0);
        let slowness = if self.faults.is_on(Fault::Slow) { SLOWNESS } else { Duration::ZERO };
        typical.mul_f64(0.5 + 0.5 * tail) + slowness
    }

    /// Evenly from 0 up to 1.
    fn roll(&self) -> f64 {
        self.dice.lock().map_or(0.5, |mut dice| dice.random())
    }
}
