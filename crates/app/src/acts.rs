//! Runs acts: a `started` fact first, then the act, then its outcome. Never twice.

use std::{process::Stdio, sync::Arc, time::Duration};

use deploy::{Act, ActOutcome, ActState, RollbackPlan, interrupted, limits::OUTPUT_BYTES_MAX};
use model::{Actor, Clock};
use serde_json::json;
use tokio::{io::AsyncReadExt, process::Child};

use crate::{
    command::Command,
    control::{Control, ControlError},
    notify::send::{Post, Sender, Sent},
    react::{Acts, Run, fill},
};

/// What was asked for this long ago is not started after a restart.
const STALE_AFTER: Duration = Duration::from_secs(600);
/// The longest sleep between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs what was asked for.
#[derive(Debug)]
pub struct Runner {
    control: Arc<Control>,
    acts: Arc<Acts>,
    sender: Arc<Sender>,
    clock: Arc<dyn Clock>,
}

impl Runner {
    pub fn new(
        control: Arc<Control>,
        acts: Arc<Acts>,
        sender: Arc<Sender>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { control, acts, sender, clock }
    }

    /// Marks what a stop cut off. Called once, before [`Self::run`].
    ///
    /// # Errors
    /// When the control thread has stopped.
    pub async fn recover(&self) -> Result<(), ControlError> {
        let now = self.clock.now();
        let cut_off: Vec<deploy::Command> = {
            let state = self.control.state();
            let asked = state.deploys.acts().filter(|act| act.state == ActState::Requested);
            let stale = asked.filter(|act| now.since(act.requested_at) > STALE_AFTER).map(|act| {
                let detail = "it was asked for before a long stop of Evenkeel; ask again where it is still wanted".into();
                deploy::Command::EndAct { id: act.id, outcome: ActOutcome::Refused { detail } }
            });
            interrupted(&state.deploys).into_iter().chain(stale).collect()
        };
        for command in cut_off {
            self.control.order(Actor::system("acts"), Command::Deploy(command)).await?;
        }
        Ok(())
    }

    /// Runs until the control thread stops.
    pub async fn run(self: Arc<Self>) {
        let mut seq = self.control.seq();
        loop {
            let asked: Vec<Act> = {
                let state = self.control.state();
                state
                    .deploys
                    .acts()
                    .filter(|act| act.state == ActState::Requested)
                    .cloned()
                    .collect()
            };
            for act in asked {
                if self.start(&act).await.is_err() {
                    return;
                }
            }
            if let Ok(Err(_)) = tokio::time::timeout(LOOK_EVERY, seq.changed()).await {
                return;
            }
        }
    }

    async fn start(self: &Arc<Self>, act: &Act) -> Result<(), ControlError> {
        match self.order(deploy::Command::StartAct { id: act.id }).await {
            Ok(()) => {}
            Err(ControlError::Rejected(rejection)) => {
                tracing::warn!(%rejection, act = %act.id, "an act was not started");
                return Ok(());
            }
            Err(stopped) => return Err(stopped),
        }
        let (this, act) = (Arc::clone(self), act.clone());
        tokio::spawn(async move {
            let outcome = this.perform(&act).await;
            let end = Command::Deploy(deploy::Command::EndAct { id: act.id, outcome });
            if let Err(error) = this.control.tell(Actor::system("acts"), end).await {
                tracing::error!(%error, act = %act.id, "an act's outcome was not written");
            }
        });
        Ok(())
    }

    async fn order(&self, command: deploy::Command) -> Result<(), ControlError> {
        self.control.order(Actor::system("acts"), Command::Deploy(command)).await.map(drop)
    }

    async fn perform(&self, act: &Act) -> ActOutcome {
        let Some(allowed) = self.acts.rollback(&act.service, &act.environment) else {
            let detail = "the server's configuration no longer allows it (acts.rollback)".into();
            return ActOutcome::Refused { detail };
        };
        let plan = RollbackPlan {
            deploy: act.deploy,
            service: act.service.clone(),
            environment: act.environment.clone(),
            from_version: act.from_version.clone(),
            to_version: act.to_version.clone(),
            reason: act.reason.to_string(),
        };
        match &allowed.run {
            Run::Argv(argv) => {
                let argv: Vec<String> =
                    argv.iter().map(|part| fill(part, &plan, &act.id.to_string())).collect();
                run(&argv, allowed.timeout).await
            }
            Run::Webhook { url, key } => {
                let body = json!({
                    "type": "rollback",
                    "act": act.id.to_string(),
                    "service": act.service,
                    "environment": act.environment,
                    "version": act.to_version,
                    "from_version": act.from_version,
                    "incident": act.incident,
                    "reason": act.reason,
                });
                let (id, body) = (act.id.to_string(), body.to_string());
                let sent = self
                    .sender
                    .post(
                        Post {
                            url,
                            id: &id,
                            body: body.as_bytes(),
                            key: Some(key),
                            timeout: allowed.timeout,
                        },
                        self.clock.now(),
                    )
                    .await;
                match sent {
                    Sent::Taken { status } => {
                        let status = status.map_or_else(String::new, |status| status.to_string());
                        ActOutcome::Succeeded { detail: format!("answered {status}").into() }
                    }
                    Sent::Refused { error, .. } => ActOutcome::Failed { detail: error.into() },
                }
            }
        }
    }
}

/// Runs a program in a process group of its own, with an empty environment but for `PATH`, and nothing to read.
async fn run(argv: &[String], timeout: Duration) -> ActOutcome {
    let failed = |detail: String| ActOutcome::Failed { detail: detail.into() };
    let Some((program, arguments)) = argv.split_first() else {
        return failed("it has no program".to_owned());
    };
    let child = tokio::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return failed(format!("cannot start `{program}`: {error}")),
    };
    let output = tokio::spawn(tail(child.stdout.take(), child.stderr.take()));
    let ended = tokio::time::timeout(timeout, child.wait()).await;
    if ended.is_err() {
        kill_group(&mut child).await;
    }
    // What a grandchild keeps open is not waited for.
    let output = tokio::time::timeout(Duration::from_secs(1), output)
        .await
        .ok()
        .and_then(Result::ok)
        .unwrap_or_default();
    match ended {
        Err(_) => failed(format!("stopped after {} s\n{output}", timeout.as_secs())),
        Ok(Err(error)) => failed(format!("cannot wait for `{program}`: {error}")),
        Ok(Ok(status)) if status.success() => {
            ActOutcome::Succeeded { detail: format!("{status}\n{output}").into() }
        }
        Ok(Ok(status)) => failed(format!("{status}\n{output}")),
    }
}

async fn kill_group(child: &mut Child) {
    if let Some(group) =
        child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
        && let Err(error) =
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
    {
        tracing::warn!(%error, "an act's processes were not killed");
    }
    if let Err(error) = child.wait().await {
        tracing::warn!(%error, "an act's process was not waited for");
    }
}

/// The last of what it printed.
async fn tail(
    stdout: Option<tokio::process::ChildStdout>,
    stderr: Option<tokio::process::ChildStderr>,
) -> String {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    tokio::join!(collect(stdout, &mut out), collect(stderr, &mut err));
    out.extend_from_slice(&err);
    let from = out.len().saturating_sub(OUTPUT_BYTES_MAX);
    String::from_utf8_lossy(&out[from..]).into_owned()
}

async fn collect(stream: Option<impl AsyncReadExt + Unpin>, into: &mut Vec<u8>) {
    let Some(mut stream) = stream else { return };
    let mut chunk = [0; 4096];
    while let Ok(read) = stream.read(&mut chunk).await {
        if read == 0 {
            break;
        }
        into.extend_from_slice(&chunk[..read]);
        let spare = into.len().saturating_sub(OUTPUT_BYTES_MAX);
        into.drain(..spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str, timeout: Duration) -> ActOutcome {
        run(&["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()], timeout).await
    }

    #[tokio::test]
    async fn the_outcome_tells_status_and_output() {
        let ActOutcome::Succeeded { detail } = sh("echo done", Duration::from_secs(5)).await else {
            panic!()
        };
        assert!(detail.contains("done"), "{detail}");
        let ActOutcome::Failed { detail } =
            sh("echo broken >&2; exit 3", Duration::from_secs(5)).await
        else {
            panic!()
        };
        assert!(detail.contains("3") && detail.contains("broken"), "{detail}");
        let missing = run(&["/no/such/program".to_owned()], Duration::from_secs(5)).await;
        assert!(matches!(missing, ActOutcome::Failed { .. }));
    }

    #[tokio::test]
    async fn a_hanging_act_is_killed_with_its_children() {
        let began = tokio::time::Instant::now();
        let outcome = sh("sleep 60 & sleep 60", Duration::from_millis(200)).await;
        assert!(matches!(outcome, ActOutcome::Failed { .. }));
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[tokio::test]
    async fn the_environment_is_empty() {
        let ActOutcome::Succeeded { detail } =
            sh("env | grep -c HOME || true", Duration::from_secs(5)).await
        else {
            panic!()
        };
        assert!(detail.trim_end().ends_with('0'), "{detail}");
    }
}
