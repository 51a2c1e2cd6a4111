//! Who made a fact.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A person.
    Human,
    /// Another machine: CI, a deployer, a webhook's sender.
    Machine,
    /// Evenkeel itself.
    System,
}

/// Who did something, and by what way it came in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    pub kind: ActorKind,
    /// A name, such as `ana` or `ci`.
    pub id: Box<str>,
    /// `cli`, `api`, `web`, `signed-link`, `webhook`, or the part of Evenkeel that acted.
    pub via: Box<str>,
}

impl Actor {
    /// Evenkeel itself, by its part `via`.
    pub fn system(via: &str) -> Self {
        Self { kind: ActorKind::System, id: "evenkeel".into(), via: via.into() }
    }
}

impl ActorKind {
    pub const ALL: [Self; 3] = [Self::Human, Self::Machine, Self::System];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Machine => "machine",
            Self::System => "system",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} via {}", self.id, self.via)
    }
}
