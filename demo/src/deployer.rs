//! The deployer: it runs the services' processes, rolls versions one instance at a time, asks Evenkeel's gate before, and
//! records every deploy after.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /state` | what runs: services, instances, versions, addresses |
//! | `POST /deploy` | [`api::DeployOrder`]; 409 with the gate's sentence when it is refused |
//! | `POST /rollback` | [`api::RollbackOrder`]; the gate is not asked; safe to repeat |
//! | `POST /fault` | [`api::FaultOrder`] |
//!
//! **Invariant:** a roll makes no request fail: the new instance answers before the callers hear of it, and the old one stops only
//! after all callers have confirmed that they know its successor.

pub(crate) mod api;
mod child;
pub(crate) mod client;
mod fleet;
mod gate;
mod roll;
mod spec;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Mutex;

use self::{
    api::{DeployOrder, FaultOrder, Refusal, RollbackOrder},
    child::Launcher,
    fleet::Fleet,
    gate::Evenkeel,
    roll::RollError,
    spec::Spec,
};
use crate::{
    cli::{DeployerArgs, log, say},
    net::{self, Handler, json},
    service::Listening,
    stop,
};

/// How often dead processes are looked for.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);

struct Server {
    /// One order at a time: two rolls of one service would undo each other.
    fleet: Mutex<Fleet>,
    evenkeel: Evenkeel,
}

/// Starts the services, then takes orders until told to stop; stops the services in the end.
pub(crate) async fn run(args: DeployerArgs) -> anyhow::Result<()> {
    let spec = Spec::load(args.spec.as_deref())?;
    let launcher = Launcher::new(&args)?;
    let (listener, address) = net::bind(args.listen).await?;
    let server = Arc::new(Server {
        fleet: Mutex::new(Fleet::start(launcher, &spec).await?),
        evenkeel: Evenkeel::new(&args.evenkeel, &args.environment),
    });
    let address = format!("http://{address}");
    if let Some(path) = &args.address_file {
        write_whole(path, &address)?;
    }
    say(&serde_json::to_string(&Listening { listening: address })?);
    let watch = tokio::spawn(watch(Arc::clone(&server)));
    net::serve(listener, Arc::clone(&server), stop::requested(args.watch_stdin)).await;
    watch.abort();
    server.fleet.lock().await.stop_all().await;
    Ok(())
}

/// A reader never sees half of an address.
fn write_whole(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, text)?;
    std::fs::rename(partial, path)
}

/// Starts again what died by itself.
async fn watch(server: Arc<Server>) {
    loop {
        tokio::time::sleep(WATCH_INTERVAL).await;
        server.fleet.lock().await.revive().await;
    }
}

impl Handler for Server {
    async fn handle(self: Arc<Self>, request: Request<Bytes>) -> Response<Bytes> {
        // An order is carried out to its end also when who gave it has gone.
        let carried_out = tokio::spawn(async move { self.route(&request).await });
        carried_out.await.unwrap_or_else(|_| {
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "the order was broken off".into())
        })
    }
}

impl Server {
    async fn route(&self, request: &Request<Bytes>) -> Response<Bytes> {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/state") => json(StatusCode::OK, &self.fleet.lock().await.state()),
            (&Method::POST, "/deploy") => match parse(request) {
                Ok(order) => self.deploy(&order).await,
                Err(reason) => refuse(StatusCode::BAD_REQUEST, reason),
            },
            (&Method::POST, "/rollback") => match parse(request) {
                Ok(order) => self.roll_back(&order).await,
                Err(reason) => refuse(StatusCode::BAD_REQUEST, reason),
            },
            (&Method::POST, "/fault") => match parse(request) {
                Ok(order) => self.fault(&order).await,
                Err(reason) => refuse(StatusCode::BAD_REQUEST, reason),
            },
            _ => refuse(
                StatusCode::NOT_FOUND,
                format!("there is no {} `{}`", request.method(), request.uri()),
            ),
        }
    }

    async fn deploy(&self, order: &DeployOrder) -> Response<Bytes> {
        if !order.skip_gate {
            match self.evenkeel.gate(&order.service, &order.version).await {
                Ok(verdict) if verdict.allows() => {}
                Ok(verdict) => return refuse(StatusCode::CONFLICT, verdict.sentence),
                // In doubt, do not act.
                Err(error) => {
                    return refuse(
                        StatusCode::SERVICE_UNAVAILABLE,
                        format!("the gate cannot be asked: {error:#}"),
                    );
                }
            }
        }
        let mut fleet = self.fleet.lock().await;
        match fleet.deploy(order).await {
            Ok(rolled) => {
                if rolled.changed() {
                    self.evenkeel.record(&mut fleet, &rolled, None).await;
                }
                log(&rolled.done().sentence());
                json(StatusCode::OK, &rolled.done())
            }
            Err(error) => refuse_roll(&error),
        }
    }

    async fn roll_back(&self, order: &RollbackOrder) -> Response<Bytes> {
        let mut fleet = self.fleet.lock().await;
        let undone = fleet.last_deploy(&order.service);
        match fleet.roll_back(order).await {
            Ok(rolled) => {
                if rolled.changed() {
                    self.evenkeel.record(&mut fleet, &rolled, undone).await;
                }
                log(&rolled.done().sentence());
                json(StatusCode::OK, &rolled.done())
            }
            Err(error) => refuse_roll(&error),
        }
    }

    async fn fault(&self, order: &FaultOrder) -> Response<Bytes> {
        match self.fleet.lock().await.fault(order).await {
            Ok(()) => json(StatusCode::OK, &json!({})),
            Err(error) => refuse(StatusCode::BAD_REQUEST, format!("{error:#}")),
        }
    }
}

fn parse<T: DeserializeOwned>(request: &Request<Bytes>) -> Result<T, String> {
    serde_json::from_slice(request.body())
        .map_err(|error| format!("the order cannot be read: {error}"))
}

fn refuse(status: StatusCode, sentence: String) -> Response<Bytes> {
    log(&sentence);
    json(status, &Refusal { sentence })
}

fn refuse_roll(error: &RollError) -> Response<Bytes> {
    let status = match error {
        RollError::UnknownService { .. } => StatusCode::NOT_FOUND,
        RollError::Start { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let source =
        std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    refuse(status, format!("{error}{source}"))
}
