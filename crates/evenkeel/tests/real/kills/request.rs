//! What a client asks for next.

use rand::RngExt;
use serde_json::{Value, json};

use super::{
    client::Client,
    telemetry::{self, Body, Way},
};
use crate::{keep::SLO, unix};

/// One request, the same at each try.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Telemetry { way: Way, body: Body, holds: Holds },
    Order(Order),
}

/// What an acknowledged telemetry request has promised.
#[derive(Clone, Debug)]
pub(super) enum Holds {
    Spans(Vec<(u64, bool)>),
    Logs(Vec<String>),
    Sample { metric: &'static str, at_ms: i64, value: f64 },
}

/// An order to the control plane.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) what: What,
    pub(super) path: String,
    pub(super) body: Value,
    /// A text of the payload that no other order has.
    pub(super) token: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Has an idempotency key, so that it is sent again until it is answered.
    Deploy,
    TestPage,
    Gate,
    Apply,
    Acknowledge,
    Assign,
    Update,
    RollBack,
}

impl What {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploys",
            Self::TestPage => "test pages",
            Self::Gate => "gate checks",
            Self::Apply => "applies",
            Self::Acknowledge => "acknowledgements",
            Self::Assign => "assignments",
            Self::Update => "updates",
            Self::RollBack => "rollbacks",
        }
    }

    /// The kind of the fact that carries the order's token, where it leaves one.
    pub(super) fn fact(self) -> Option<&'static str> {
        match self {
            Self::Gate => Some("gate.decided"),
            // The note.
            Self::Acknowledge | Self::Update => Some("incident.updated"),
            Self::Assign => Some("incident.assigned"),
            Self::Deploy | Self::TestPage | Self::Apply | Self::RollBack => None,
        }
    }
}

impl Client {
    pub(super) async fn next(&mut self, url: &str) -> Request {
        self.sent += 1;
        let token = format!("{}-{}", self.name, self.sent);
        match self.dice.random_range(0..30) {
            0..8 => self.spans(),
            8..11 => self.logs(&token),
            11..16 => self.sample(),
            16..19 => Request::Order(deploy(token)),
            19 => Request::Order(Order {
                what: What::TestPage,
                path: "notifications/test".to_owned(),
                body: json!({"receiver": "on-call"}),
                token,
            }),
            20 | 21 => Request::Order(Order {
                what: What::Gate,
                path: "gate/check".to_owned(),
                body: json!({"service": "checkout", "environment": "production", "version": token}),
                token,
            }),
            22 => Request::Order(apply(token, &self.routing)),
            _ => match self.about_an_incident(url, token).await {
                Some(order) => Request::Order(order),
                None => self.spans(),
            },
        }
    }

    fn way(&mut self) -> Way {
        [Way::Json, Way::Protobuf, Way::Grpc][self.dice.random_range(0..3)]
    }

    fn spans(&mut self) -> Request {
        let (body, ids) = telemetry::spans(&mut self.dice);
        Request::Telemetry { way: self.way(), body, holds: Holds::Spans(ids) }
    }

    fn logs(&mut self, token: &str) -> Request {
        let (body, texts) = telemetry::logs(token);
        Request::Telemetry { way: self.way(), body, holds: Holds::Logs(texts) }
    }

    /// Each later than the client's last.
    fn sample(&mut self) -> Request {
        let now = i64::try_from(unix().as_millis()).unwrap();
        self.last_sample_ms = now.max(self.last_sample_ms + 1);
        let (at_ms, value) = (self.last_sample_ms, f64::from(self.dice.random::<u16>()));
        let way = self.way();
        let (metric, body) = if self.dice.random() {
            ("load_level", telemetry::sample(&self.name, at_ms, value))
        } else {
            ("written_level", telemetry::written(&self.name, at_ms, value))
        };
        Request::Telemetry { way, body, holds: Holds::Sample { metric, at_ms, value } }
    }

    /// `None` while nothing is open.
    async fn about_an_incident(&mut self, url: &str, token: String) -> Option<Order> {
        let open = self.get(url, "incidents?status=open").await?;
        let id = open["items"][0]["id"].as_str()?.to_owned();
        let order = |what, verb: &str, body| {
            Some(Order { what, path: format!("incidents/{id}/{verb}"), body, token: token.clone() })
        };
        match self.dice.random_range(0..20) {
            0..4 => order(What::Acknowledge, "acknowledge", json!({"note": token})),
            4..8 => order(What::Assign, "assign", json!({"assignee": token})),
            8..13 => order(What::Update, "updates", json!({"text": token})),
            _ => {
                let newest = self.get(url, "deploys?service=checkout&limit=1").await?;
                let deploy = newest["items"][0]["id"].as_str()?;
                newest["items"][0]["previous_version"].as_str()?;
                order(What::RollBack, "rollback", json!({"deploy": deploy, "reason": token}))
            }
        }
    }
}

fn deploy(token: String) -> Order {
    let body = json!({
        "service": "checkout", "environment": "production", "version": format!("v-{token}"),
        "idempotency_key": token,
    });
    Order { what: What::Deploy, path: "deploys".to_owned(), body, token }
}

/// The same repo with another text of its SLO, whose counts therefore stay.
fn apply(token: String, routing: &str) -> Order {
    let slo = SLO.replace("name: orders\n", &format!("name: orders\n  displayName: {token}\n"));
    let routing = json!({"path": "routing.yaml", "content": routing});
    let body = json!({"files": [{"path": "slos/orders.yaml", "content": slo}, routing]});
    Order { what: What::Apply, path: "repo/apply".to_owned(), body, token }
}
