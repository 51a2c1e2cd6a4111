//! Follows a directory: what is in it is applied when it changed and has no error.

use std::sync::Arc;

use camino::Utf8Path;
use model::{Actor, Timestamp};

use super::{App, ApplyError, FOLLOW_EVERY};
use crate::{
    control::chain,
    files::{Problem, RepoFiles, Severity},
};

/// Errors of a repo that the log names.
const TOLD_MAX: usize = 20;

/// How following goes.
#[derive(Clone, Debug, Default)]
pub struct FollowState {
    pub path: Option<Box<str>>,
    /// When the directory was last looked at.
    pub looked_at: Option<Timestamp>,
    /// Why what is in it is not in force.
    pub problems: Arc<Vec<Problem>>,
    /// Why it cannot be read at all.
    pub unreadable: Option<Arc<str>>,
    /// The content that was last tried.
    tried: Option<[u8; 32]>,
}

impl FollowState {
    /// How many errors keep it from being applied.
    pub fn errors(&self) -> usize {
        let errors =
            self.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        errors + usize::from(self.unreadable.is_some())
    }
}

impl App {
    pub(super) async fn following(self: Arc<Self>, path: camino::Utf8PathBuf) {
        let mut tick = tokio::time::interval(FOLLOW_EVERY);
        loop {
            tick.tick().await;
            self.follow_once(&path).await;
        }
    }

    /// Applies the directory when its content is another one than was last tried.
    pub(super) async fn follow_once(&self, path: &Utf8Path) {
        let owned = path.to_owned();
        let read =
            tokio::task::spawn_blocking(move || RepoFiles::read_directory(owned.as_std_path()))
                .await;
        let mut state = self.follow_tx.borrow().clone();
        state.path = Some(path.as_str().into());
        state.looked_at = Some(self.clock.now());
        let files = match read {
            Ok(Ok(files)) => files,
            Ok(Err(error)) => {
                let why: Arc<str> = chain(&error).into();
                if state.unreadable.as_ref() != Some(&why) {
                    tracing::error!(error = %why, %path, "the production repo cannot be read");
                }
                state.unreadable = Some(why);
                self.follow_tx.send_replace(state);
                return;
            }
            Err(_) => return,
        };
        state.unreadable = None;
        let hash = files.hash();
        if state.tried != Some(hash) {
            state.tried = Some(hash);
            match self.apply(files, Actor::system("follow")).await {
                Ok(applied) => state.problems = Arc::new(applied.warnings),
                Err(ApplyError::Problems(problems)) => {
                    told(path, &problems);
                    state.problems = Arc::new(problems);
                }
                Err(error) => {
                    // Not the repo's fault: it is tried again.
                    state.tried = None;
                    tracing::warn!(error = %chain(&error), %path, "the production repo was not applied");
                }
            }
        }
        self.follow_tx.send_replace(state);
    }
}

/// Says what keeps a repo from being applied.
fn told(path: &Utf8Path, problems: &[Problem]) {
    let is_error = |problem: &&Problem| problem.severity == Severity::Error;
    let errors = problems.iter().filter(is_error).count();
    tracing::error!(errors, %path, "the production repo has errors and was not applied; `evenkeel check repo` lists them");
    for problem in problems.iter().filter(is_error).take(TOLD_MAX) {
        tracing::error!("{problem}");
    }
}
