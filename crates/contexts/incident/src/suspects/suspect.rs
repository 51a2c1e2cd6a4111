//! What the ranking answers.

use model::Timestamp;

use super::evidence::Counts;

/// What kind of thing may have caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SuspectKind {
    Deploy,
    Config,
    Dependency,
}

impl SuspectKind {
    pub const ALL: [Self; 3] = [Self::Deploy, Self::Config, Self::Dependency];

    /// `deploy`, `config`, `dependency`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Config => "config",
            Self::Dependency => "dependency",
        }
    }
}

/// The numbers behind a suspect's sentence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Numbers {
    /// Requests through the suspect version; for before and after, those since.
    pub on: Counts,
    /// Requests through the version that it is compared with; for before and after, those before.
    pub elsewhere: Counts,
    /// Failures carried by the suspect version among all failures of its service's versions, 0 to 1.
    pub carried_share: Option<f64>,
    /// One-sided Fisher's exact test that `on` fails no more than `elsewhere`.
    pub p_value: Option<f64>,
    /// Failing traces that fail deepest in the suspect, of those looked at.
    pub traces: Counts,
}

/// A change or a dependency, with the evidence for or against it.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    pub kind: SuspectKind,
    pub service: Box<str>,
    /// The suspect version; `None` for a configuration and a dependency.
    pub version: Option<Box<str>>,
    /// The deploy's or the fact's id; `None` when nobody recorded it.
    pub reference: Option<Box<str>>,
    /// When the change came; `None` for a dependency.
    pub at: Option<Timestamp>,
    /// Who made the change.
    pub by: Option<Box<str>>,
    /// The share of failures that it explains, proven: 0 to 1.
    pub score: f64,
    /// One sentence, such as `98 % of failures carry checkout 2.0.0; of requests on 1.9.0, 0.1 % fail`.
    pub evidence: Box<str>,
    /// Whether `numbers` compare two versions serving at the same time.
    pub concurrent: bool,
    pub numbers: Numbers,
}

impl Suspect {
    /// Such as `deploy of checkout 2.0.0`, `config of checkout`, `dependency payment`.
    pub fn name(&self) -> String {
        match (self.kind, &self.version) {
            (SuspectKind::Deploy, Some(version)) => format!("deploy of {} {version}", self.service),
            (SuspectKind::Deploy, None) => format!("deploy of {}", self.service),
            (SuspectKind::Config, _) => format!("config of {}", self.service),
            (SuspectKind::Dependency, _) => format!("dependency {}", self.service),
        }
    }

    /// Whether both are about the same thing, whatever the evidence says by now.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.service, &self.version, &self.reference)
            == (other.kind, &other.service, &other.version, &other.reference)
    }
}
