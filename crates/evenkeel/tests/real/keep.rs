//! Starts, kills and starts again the real binary on one data directory.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

/// The build under test.
pub(crate) fn binary() -> std::ffi::OsString {
    std::env::var_os("EVENKEEL_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_evenkeel").into())
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) url: String,
    /// OTLP over gRPC.
    pub(crate) grpc: String,
}

/// Its name, `orders`, and its service, `checkout`.
pub(crate) const SLO: &str = "\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: orders
  annotations: {evenkeel.dev/environment: production}
spec:
  service: checkout
  indicator:
    metadata: {name: orders-ratio}
    spec:
      ratioMetric:
        counter: true
        total: {metricSource: {type: Evenkeel/Spans, spec: {service: checkout}}}
        bad: {metricSource: {type: Evenkeel/Spans, spec: {service: checkout, status: error}}}
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
  timeWindow: [{duration: 30d, isRolling: true}]
";

/// Pages go to the receiver at once.
pub(crate) fn routing(receiver: &str) -> String {
    format!(
        "route: {{receiver: on-call, group_wait: 0s}}\nreceivers: [{{name: on-call, webhook_configs: [{{url: '{receiver}'}}]}}]\n"
    )
}

pub(crate) struct Kept {
    folder: PathBuf,
    child: Option<Child>,
    /// A program that runs the server, with its arguments; none as a rule.
    under: Vec<String>,
    /// What it wrote beside its addresses.
    said: Arc<Mutex<Vec<String>>>,
}

impl Kept {
    pub(crate) fn new(folder: &Path, receiver: &str) -> Self {
        fs::create_dir_all(folder.join("repo/slos")).unwrap();
        fs::create_dir_all(folder.join("acts")).unwrap();
        fs::write(folder.join("repo/slos/orders.yaml"), SLO).unwrap();
        fs::write(folder.join("repo/routing.yaml"), routing(receiver)).unwrap();
        // Each run of an act leaves a file of its own, so that a second run shows.
        let template = folder.join("acts").join("{act}-XXXXXX");
        let config = format!(
            "acts:\n  rollback:\n    - service: '*'\n      argv: [/usr/bin/mktemp, '{}']\n",
            template.display()
        );
        fs::write(folder.join("evenkeel.yaml"), config).unwrap();
        Self { folder: folder.to_owned(), child: None, under: Vec::new(), said: Arc::default() }
    }

    /// From the next start on `program` runs the server, as `strace` does; an empty one ends that.
    pub(crate) fn run_under(&mut self, program: &[&str]) {
        self.under = program.iter().map(ToString::to_string).collect();
    }

    /// Starts it and gives its addresses once it listens.
    pub(crate) async fn start(&mut self, within: Duration) -> Address {
        let address = self.begin();
        tokio::task::spawn_blocking(move || address.recv_timeout(within))
            .await
            .unwrap()
            .expect("it starts by itself")
    }

    /// Starts it; its addresses come once it listens.
    pub(crate) fn begin(&mut self) -> mpsc::Receiver<Address> {
        let mut command = match self.under.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary());
                command
            }
            None => Command::new(binary()),
        };
        let mut child = command
            .args(["serve", "--data-dir", "data", "--repo", "repo", "--config", "evenkeel.yaml"])
            .args(["--listen", "127.0.0.1:0", "--otlp-grpc-listen", "127.0.0.1:0"])
            .args(["--otlp-http-listen", "off"])
            .current_dir(&self.folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        self.child = Some(child);
        let (found, address) = mpsc::channel();
        let said = Arc::clone(&self.said);
        std::thread::spawn(move || {
            let mut url = String::new();
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some((_, main)) = line.split_once("listening on ") {
                    main.clone_into(&mut url);
                } else if let Some((_, grpc)) = line.split_once("OTLP over gRPC on ") {
                    // Nobody waits any more for one that was killed.
                    drop(found.send(Address { url: url.clone(), grpc: format!("http://{grpc}") }));
                } else {
                    said.lock().unwrap().push(line);
                }
            }
        });
        address
    }

    /// `kill -9`; it must not have ended by itself.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until it has ended by itself; `None` when it has not within the time.
    pub(crate) async fn ended(&mut self, within: Duration) -> Option<std::process::ExitStatus> {
        let began = crate::now();
        loop {
            let child = self.child.as_mut().expect("it was started");
            if let Some(status) = child.try_wait().unwrap() {
                self.child = None;
                return Some(status);
            }
            if began.elapsed() > within {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Its process, or that of the program that runs it.
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().expect("it was started").id()
    }

    /// SIGTERM; it must end well, and never have panicked.
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let said = self.said();
        assert!(child.wait().unwrap().success(), "{said:?}");
        assert!(!said.iter().any(|line| line.contains("panicked at")), "{said:?}");
    }

    /// What it wrote so far beside its addresses.
    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// A line of the process' status in kB, such as `VmHWM`.
    pub(crate) fn memory_kb(&self, line: &str) -> u64 {
        let id = self.child.as_ref().unwrap().id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
        found.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap()
    }

    pub(crate) fn verify_journal(&self) {
        let verified = Command::new(binary())
            .args(["journal", "verify", "--data-dir", "data"])
            .current_dir(&self.folder)
            .output()
            .unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Already gone is fine.
            drop(child.kill());
            drop(child.wait());
        }
    }
}
