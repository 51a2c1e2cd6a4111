//! Who is in the shop, who calls whom, and what the customers do.

use std::{fmt, str::FromStr};

/// A part that serves requests. All but [`Part::Provider`] are instrumented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    Web,
    Catalog,
    Cart,
    Checkout,
    Payment,
    Auth,
    Search,
    /// The card company behind payment: somebody else's, so it sends no telemetry.
    Provider,
}

/// `text` names no part of the shop.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{text}` is no service of the shop; there are web, catalog, cart, checkout, payment, auth, search and provider"
)]
pub(crate) struct UnknownPart {
    text: String,
}

impl Part {
    /// Callees before their callers: the order in which they start.
    pub(crate) const ALL: [Self; 8] = [
        Self::Provider,
        Self::Auth,
        Self::Catalog,
        Self::Cart,
        Self::Search,
        Self::Payment,
        Self::Checkout,
        Self::Web,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Catalog => "catalog",
            Self::Cart => "cart",
            Self::Checkout => "checkout",
            Self::Payment => "payment",
            Self::Auth => "auth",
            Self::Search => "search",
            Self::Provider => "provider",
        }
    }

    /// What this part calls.
    pub(crate) const fn calls(self) -> &'static [Self] {
        match self {
            Self::Web => &[Self::Auth, Self::Catalog, Self::Search, Self::Cart, Self::Checkout],
            Self::Search | Self::Cart => &[Self::Catalog],
            Self::Checkout => &[Self::Cart, Self::Payment],
            Self::Payment => &[Self::Provider],
            Self::Catalog | Self::Auth | Self::Provider => &[],
        }
    }

    /// The version that runs when the shop opens.
    pub(crate) const fn first_version(self) -> &'static str {
        match self {
            Self::Web => "3.4.0",
            Self::Catalog => "1.12.1",
            Self::Cart => "2.3.0",
            Self::Checkout => "1.9.0",
            Self::Payment => "4.1.2",
            Self::Auth => "1.7.5",
            Self::Search => "0.9.8",
            Self::Provider => "2026-04",
        }
    }

    /// Checkout has several, so that a version can go to a half of them.
    pub(crate) const fn instances(self) -> u32 {
        match self {
            Self::Checkout => 4,
            Self::Web
            | Self::Catalog
            | Self::Cart
            | Self::Payment
            | Self::Auth
            | Self::Search
            | Self::Provider => 1,
        }
    }

    /// Who must learn when this part's addresses change.
    pub(crate) fn callers(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |caller| caller.calls().contains(&self))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Part {
    type Err = UnknownPart;

    fn from_str(text: &str) -> Result<Self, UnknownPart> {
        let found = Self::ALL.into_iter().find(|part| part.name() == text);
        found.ok_or_else(|| UnknownPart { text: text.to_owned() })
    }
}

/// What a customer does with one request to web.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Browse,
    Search,
    AddToCart,
    Checkout,
}

impl Action {
    /// Each action with its share of all requests; the shares add up to 1.
    pub(crate) const MIX: [(Self, f64); 4] = [
        (Self::Browse, 0.45),
        (Self::Search, 0.20),
        (Self::AddToCart, 0.20),
        (Self::Checkout, 0.15),
    ];

    /// The action at `point` of the mix, for `point` drawn evenly from 0 up to 1.
    pub(crate) fn at(point: f64) -> Self {
        let mut upper = 0.0;
        for (action, share) in Self::MIX {
            upper += share;
            if point < upper {
                return action;
            }
        }
        Self::Browse
    }

    /// How many requests to `part` one request of this action makes.
    const fn requests_to(self, part: Part) -> u32 {
        match (self, part) {
            (_, Part::Web | Part::Auth)
            | (Self::Browse | Self::Search | Self::AddToCart, Part::Catalog)
            | (Self::Search, Part::Search)
            | (Self::AddToCart, Part::Cart)
            | (Self::Checkout, Part::Checkout | Part::Payment | Part::Provider) => 1,
            // The cart is read, and emptied once it is paid.
            (Self::Checkout, Part::Cart) => 2,
            (Self::Browse | Self::Search | Self::AddToCart | Self::Checkout, _) => 0,
        }
    }
}

/// Requests a second that `part` serves while web is asked `web_rate` times a second.
pub(crate) fn rate_of(part: Part, web_rate: f64) -> f64 {
    Action::MIX
        .iter()
        .map(|(action, share)| web_rate * share * f64::from(action.requests_to(part)))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_start_after_what_they_call() {
        for (position, part) in Part::ALL.into_iter().enumerate() {
            for callee in part.calls() {
                let started = Part::ALL.iter().position(|other| other == callee);
                assert!(started < Some(position), "{part} starts before {callee}");
            }
        }
    }

    #[test]
    fn names_parse_back() {
        for part in Part::ALL {
            assert_eq!(part.name().parse::<Part>().unwrap(), part);
        }
        assert!(
            "shipping"
                .parse::<Part>()
                .unwrap_err()
                .to_string()
                .starts_with("`shipping` is no service")
        );
    }

    #[test]
    fn rates_follow_from_the_mix() {
        let rates: Vec<String> =
            Part::ALL.iter().map(|part| format!("{part} {:.1}", rate_of(*part, 40.0))).collect();
        assert_eq!(
            rates.join(", "),
            "provider 6.0, auth 40.0, catalog 34.0, cart 20.0, search 8.0, payment 6.0, checkout 6.0, web 40.0"
        );
    }

    #[test]
    fn every_point_of_the_mix_has_an_action() {
        assert_eq!(
            [0.0, 0.449, 0.45, 0.66, 0.86, 0.999].map(Action::at),
            [
                Action::Browse,
                Action::Browse,
                Action::Search,
                Action::AddToCart,
                Action::Checkout,
                Action::Checkout
            ]
        );
    }
}
