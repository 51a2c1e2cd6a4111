//! `evenkeel serve`.

use crate::{
    cli::ServeArgs,
    config::{Config, Flags},
    exit::{Exit, Failure},
    output, run,
};

pub(super) fn run(args: ServeArgs) -> Result<Exit, Failure> {
    let config = Config::load(Flags::from(args))?;
    super::log_to_stderr();
    super::server_runtime()?.block_on(async {
        let (sender, stop) = tokio::sync::oneshot::channel();
        let listening = tokio::spawn(async move {
            let result = run::signals().await;
            if sender.send(()).is_err() {
                tracing::debug!("the server had ended by itself before the signal");
            }
            result
        });
        let exit = run::run(config, async { drop(stop.await) }, |running| {
            let addresses = &running.addresses;
            output::note(&format!("evenkeel: listening on {}", running.url));
            if let Some(address) = addresses.otlp_grpc {
                output::note(&format!("evenkeel: OTLP over gRPC on {address}"));
            }
            if let Some(address) = addresses.otlp_http {
                output::note(&format!("evenkeel: OTLP over HTTP on {address}"));
            }
        })
        .await;
        listening.abort();
        exit
    })
}
