//! Who is to be told: Alertmanager's routing tree.
//!
//! A set of labels enters at the root, which matches everything, and goes down into the first child that matches, and into
//! further ones for as long as those that match say `continue`. The deepest routes that match name the receivers. A route
//! inherits from its parent what it does not say itself.
//!
//! Silences and inhibition are not routing: they decide whether a notification is held back, not where it would go.

use std::{collections::BTreeMap, time::Duration};

use model::{Labels, Matcher};

/// A route as it is written; what is `None` is inherited.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteConfig {
    pub receiver: Option<Box<str>>,
    /// All must hold.
    pub matchers: Vec<Matcher>,
    /// Whether siblings after this one are looked at although this one matches.
    pub continue_: bool,
    pub group_by: Option<GroupBy>,
    pub group_wait: Option<Duration>,
    pub group_interval: Option<Duration>,
    pub repeat_interval: Option<Duration>,
    pub routes: Vec<RouteConfig>,
}

/// Which alerts go into one notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// Those whose values of these labels are the same.
    Labels(Vec<Box<str>>),
    /// Each on its own; written `...`.
    All,
}

/// How long to wait, and how often to say it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// Before the first notification, for others to join. A page does not wait.
    pub group_wait: Duration,
    /// Between a notification and the next one with news.
    pub group_interval: Duration,
    /// Between a notification and the next one without.
    pub repeat_interval: Duration,
}

impl Default for Timings {
    /// Alertmanager's: 30 s, 5 min, 4 h.
    fn default() -> Self {
        Self {
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(300),
            repeat_interval: Duration::from_secs(4 * 3600),
        }
    }
}

/// Somebody who can be told, by all of the integrations.
#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    pub name: Box<str>,
    pub integrations: Vec<Integration>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Integration {
    Webhook(Webhook),
    Email(Email),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// `http` or `https`; may hold a secret, so it is never shown: see [`Integration::target`].
    pub url: Box<str>,
    pub send_resolved: bool,
    /// The most alerts in one body; 0 is all.
    pub max_alerts: u64,
    /// How long an attempt may take; `None` leaves it to the sender.
    pub timeout: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Addresses, separated by commas.
    pub to: Box<str>,
    pub from: Box<str>,
    /// `host:port`.
    pub smarthost: Box<str>,
    /// The name given in `EHLO`; `None` leaves it to the sender.
    pub hello: Option<Box<str>>,
    pub require_tls: bool,
    pub auth: Option<EmailAuth>,
    pub send_resolved: bool,
}

/// How to log in to the smarthost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAuth {
    pub username: Box<str>,
    /// A file that holds the password, so that the repo does not.
    pub password_file: Box<str>,
}

impl Integration {
    pub fn send_resolved(&self) -> bool {
        match self {
            Self::Webhook(webhook) => webhook.send_resolved,
            Self::Email(email) => email.send_resolved,
        }
    }

    /// The most alerts in one body; 0 is all.
    pub fn max_alerts(&self) -> u64 {
        match self {
            Self::Webhook(webhook) => webhook.max_alerts,
            Self::Email(_) => 0,
        }
    }

    /// Where it goes, without what may be secret: a webhook's scheme and host, an e-mail's addressees.
    pub fn target(&self) -> String {
        match self {
            Self::Webhook(webhook) => {
                let (scheme, rest) = webhook.url.split_once("://").unwrap_or(("", &webhook.url));
                let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
                let host = authority.rsplit('@').next().unwrap_or_default();
                format!("{scheme}://{host}")
            }
            Self::Email(email) => email.to.to_string(),
        }
    }
}

/// A route with everything that it inherits.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Its matchers and those above it, as Alertmanager names a route: `{}/{team="db"}`.
    pub key: Box<str>,
    pub receiver: Box<str>,
    pub matchers: Vec<Matcher>,
    pub continue_: bool,
    pub group_by: GroupBy,
    pub timings: Timings,
    pub routes: Vec<Route>,
}

/// A sound tree and its receivers.
#[derive(Clone, Debug, PartialEq)]
pub struct Routing {
    root: Route,
    receivers: BTreeMap<Box<str>, Receiver>,
}

/// Where a set of labels ends up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Routed<'a> {
    pub receiver: &'a Receiver,
    /// [`Route::key`].
    pub route: &'a str,
    pub group_by: &'a GroupBy,
    pub timings: Timings,
}

/// What is wrong with a tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutingError {
    #[error("receiver `{receiver}` is defined twice")]
    ReceiverTwice { receiver: Box<str> },
    #[error("receiver `{receiver}` of route `{path}` is not defined")]
    ReceiverUnknown { path: Box<str>, receiver: Box<str> },
    #[error("the root route names no receiver")]
    RootReceiver,
    #[error("the root route has matchers or `continue`; it must match everything")]
    RootMatchers,
    #[error("`{interval}` of route `{path}` is zero")]
    ZeroInterval { path: Box<str>, interval: &'static str },
    #[error("label `{label}` is named twice in `group_by` of route `{path}`")]
    GroupByTwice { path: Box<str>, label: Box<str> },
    #[error("route `{path}` is nested deeper than {}", Routing::DEPTH_MAX)]
    TooDeep { path: Box<str> },
    #[error("there are more than {} routes", Routing::ROUTES_MAX)]
    TooMany,
}

impl Routing {
    /// How deeply routes may be nested.
    pub const DEPTH_MAX: usize = 32;

    /// How many routes there may be.
    pub const ROUTES_MAX: usize = 10_000;

    /// Resolves inheritance and checks the whole tree.
    ///
    /// A path names a route by the places of its ancestors: `route.routes[2].routes[0]`.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first.
    pub fn build(root: RouteConfig, receivers: Vec<Receiver>) -> Result<Self, Vec<RoutingError>> {
        let mut build = Build { receivers: BTreeMap::new(), routes: 0, errors: Vec::new() };
        for receiver in receivers {
            let name = receiver.name.clone();
            if build.receivers.insert(name.clone(), receiver).is_some() {
                build.errors.push(RoutingError::ReceiverTwice { receiver: name });
            }
        }
        if root.receiver.is_none() {
            build.errors.push(RoutingError::RootReceiver);
        }
        if !root.matchers.is_empty() || root.continue_ {
            build.errors.push(RoutingError::RootMatchers);
        }
        let parent = Route {
            key: "".into(),
            receiver: "".into(),
            matchers: Vec::new(),
            continue_: false,
            group_by: GroupBy::Labels(Vec::new()),
            timings: Timings::default(),
            routes: Vec::new(),
        };
        let root = build.route(root, &parent, "route", 0);
        if build.errors.is_empty() {
            return Ok(Self { root, receivers: build.receivers });
        }
        Err(build.errors)
    }

    /// Who is to be told about something with these labels: never empty.
    pub fn route(&self, labels: &Labels) -> Vec<Routed<'_>> {
        let mut found = Vec::new();
        descend(&self.root, labels, &mut found);
        found.into_iter().filter_map(|route| self.routed(route)).collect()
    }

    fn routed<'a>(&'a self, route: &'a Route) -> Option<Routed<'a>> {
        let receiver = self.receivers.get(&route.receiver)?;
        Some(Routed {
            receiver,
            route: &route.key,
            group_by: &route.group_by,
            timings: route.timings,
        })
    }

    /// As if the root route led to `receiver`.
    pub fn to(&self, receiver: &str) -> Option<Routed<'_>> {
        let receiver = self.receivers.get(receiver)?;
        self.routed(&self.root).map(|routed| Routed { receiver, ..routed })
    }

    pub fn root(&self) -> &Route {
        &self.root
    }

    pub fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers.get(name)
    }

    pub fn receivers(&self) -> impl ExactSizeIterator<Item = &Receiver> {
        self.receivers.values()
    }
}

/// Alertmanager's walk: whether `route` matches; what matches below it, else itself, is found.
fn descend<'a>(route: &'a Route, labels: &Labels, found: &mut Vec<&'a Route>) -> bool {
    if !route.matchers.iter().all(|matcher| matcher.matches_labels(labels)) {
        return false;
    }
    let before = found.len();
    for child in &route.routes {
        if descend(child, labels, found) && !child.continue_ {
            break;
        }
    }
    if found.len() == before {
        found.push(route);
    }
    true
}

impl GroupBy {
    /// The labels that name the group of something with `labels`.
    pub fn group(&self, labels: &Labels) -> Labels {
        match self {
            Self::All => labels.clone(),
            Self::Labels(names) => labels.filtered(|name| names.iter().any(|by| **by == *name)),
        }
    }
}

/// Alertmanager's name of a route, whose matchers it sorts.
fn key(parent: &str, matchers: &[Matcher]) -> String {
    let mut sorted: Vec<&Matcher> = matchers.iter().collect();
    sorted.sort_by_key(|matcher| (matcher.name(), matcher.value(), matcher.op()));
    let own = sorted.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    match parent {
        "" => format!("{{{own}}}"),
        parent => format!("{parent}/{{{own}}}"),
    }
}

struct Build {
    receivers: BTreeMap<Box<str>, Receiver>,
    routes: usize,
    errors: Vec<RoutingError>,
}

impl Build {
    fn route(&mut self, config: RouteConfig, parent: &Route, path: &str, depth: usize) -> Route {
        self.check(&config, path, depth);
        let timings = Timings {
            group_wait: config.group_wait.unwrap_or(parent.timings.group_wait),
            group_interval: config.group_interval.unwrap_or(parent.timings.group_interval),
            repeat_interval: config.repeat_interval.unwrap_or(parent.timings.repeat_interval),
        };
        let mut route = Route {
            key: key(&parent.key, &config.matchers).into(),
            receiver: config.receiver.unwrap_or_else(|| parent.receiver.clone()),
            matchers: config.matchers,
            continue_: config.continue_,
            group_by: config.group_by.unwrap_or_else(|| parent.group_by.clone()),
            timings,
            routes: Vec::new(),
        };
        if depth < Routing::DEPTH_MAX && self.routes <= Routing::ROUTES_MAX {
            for (at, child) in config.routes.into_iter().enumerate() {
                let path = format!("{path}.routes[{at}]");
                let child = self.route(child, &route, &path, depth + 1);
                route.routes.push(child);
            }
        }
        route
    }

    fn check(&mut self, config: &RouteConfig, path: &str, depth: usize) {
        let path = || Box::<str>::from(path);
        self.routes += 1;
        if self.routes == Routing::ROUTES_MAX + 1 {
            self.errors.push(RoutingError::TooMany);
        }
        if depth == Routing::DEPTH_MAX && !config.routes.is_empty() {
            self.errors.push(RoutingError::TooDeep { path: path() });
        }
        if let Some(receiver) = &config.receiver
            && !self.receivers.contains_key(receiver)
        {
            let receiver = receiver.clone();
            self.errors.push(RoutingError::ReceiverUnknown { path: path(), receiver });
        }
        let intervals = [
            ("group_interval", config.group_interval),
            ("repeat_interval", config.repeat_interval),
        ];
        for (interval, _) in
            intervals.into_iter().filter(|(_, value)| *value == Some(Duration::ZERO))
        {
            self.errors.push(RoutingError::ZeroInterval { path: path(), interval });
        }
        if let Some(GroupBy::Labels(names)) = &config.group_by {
            for (at, label) in names.iter().enumerate() {
                if names[..at].contains(label) {
                    let label = label.clone();
                    self.errors.push(RoutingError::GroupByTwice { path: path(), label });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
