//! What a catalogue file declares of a service.

/// A Backstage `Component`, as far as Evenkeel uses it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Entry {
    pub name: Box<str>,
    pub title: Option<Box<str>>,
    pub description: Option<Box<str>>,
    /// `spec.owner`, such as `team-payments`.
    pub owner: Option<Box<str>>,
    pub system: Option<Box<str>>,
    /// `spec.lifecycle`, such as `production`.
    pub lifecycle: Option<Box<str>>,
    /// The label or annotation `tier`.
    pub tier: Option<Box<str>>,
    /// Names of the components in `spec.dependsOn`.
    pub depends_on: Vec<Box<str>>,
    pub links: Vec<Link>,
    /// Path of the file inside the production repo.
    pub path: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub title: Box<str>,
    /// `http` or `https`.
    pub url: Box<str>,
}
