//! `evenkeel serve`.

use server::Server;

use crate::{
    cli::ServeArgs,
    config::{Config, Flags},
    exit::{Exit, Failure},
};

pub(super) fn run(args: ServeArgs) -> Result<Exit, Failure> {
    start(Config::load(Flags::from(args))?)
}

/// Runs the server until it is told to stop.
fn start(config: Config) -> Result<Exit, Failure> {
    super::runtime()?.block_on(async {
        Server::bind(config.server)
            .await
            .map_err(|error| Failure::new(Exit::BadConfiguration, error))?;
        Ok(Exit::Ok)
    })
}
