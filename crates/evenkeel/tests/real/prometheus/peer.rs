//! Another server, started on a free port of loopback and a folder of its own, ended when it is dropped.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::http;

/// How long anything may take to be so.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Where a program is, and a printed word when it is nowhere.
pub(super) fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file());
    if found.is_none() {
        println!("skipped: `{program}` is not installed");
    }
    found
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(super) struct Peer {
    child: Child,
    /// Its address, without a slash at the end.
    pub(super) url: String,
}

impl Peer {
    /// Prometheus, which takes remote write.
    pub(super) async fn prometheus(program: &Path, folder: &Path, port: u16) -> Self {
        let text = "storage: {tsdb: {out_of_order_time_window: 1h}}\n";
        Self::configured(program, folder, port, text).await
    }

    /// Prometheus with a configuration.
    pub(super) async fn configured(program: &Path, folder: &Path, port: u16, text: &str) -> Self {
        fs::create_dir_all(folder).unwrap();
        let config = folder.join("prometheus.yml");
        fs::write(&config, text).unwrap();
        let mut command = Command::new(program);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--web.enable-remote-write-receiver", "--log.level=error"]);
        Self::start(command, port, "/-/ready").await
    }

    pub(super) async fn victoria(program: &Path, folder: &Path, port: u16) -> Self {
        fs::create_dir_all(folder).unwrap();
        let mut command = Command::new(program);
        command
            .arg(format!("-storageDataPath={}", folder.display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .args(["-retentionPeriod=1y", "-search.latencyOffset=0s", "-loggerLevel=ERROR"]);
        Self::start(command, port, "/health").await
    }

    async fn start(mut command: Command, port: u16, ready: &str) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let peer = Self { child, url: format!("http://127.0.0.1:{port}") };
        let (client, address) = (http(), format!("{}{ready}", peer.url));
        eventually(async || {
            let answer = client.get(&address).send().await;
            answer.is_ok_and(|answer| answer.status().is_success()).then_some(())
        })
        .await;
        peer
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Already gone is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Asks again until there is an answer.
pub(super) async fn eventually<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("in time")
}
