//! What each service does. The shop is small, but the money goes all the way.

use http::{Method, StatusCode};
use opentelemetry::Context;
use serde_json::{Value, json};

use super::{CARTS_MAX, Instance, call::Ask, telemetry::user};
use crate::topology::Part;

/// The version of checkout that cannot take an order.
const BROKEN_CHECKOUT: &str = "2.0.0";
/// Products on the shelf; their numbers start at 1.
const PRODUCTS: u32 = 40;
/// Products on one page, and the most that a search finds.
const PAGE: u32 = 12;
/// Items in one cart.
const ITEMS_MAX: usize = 20;

/// Why a request failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    /// The exception's type, as it appears in telemetry.
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl Failure {
    /// A fault of our own.
    pub(super) fn bug(kind: &'static str, message: &str) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, kind, message: message.to_owned() }
    }

    /// A fault of whom we called.
    pub(super) fn upstream(peer: Part, what: &str) -> Self {
        Self {
            status: StatusCode::BAD_GATEWAY,
            kind: "UpstreamError",
            message: format!("{peer} {what}"),
        }
    }

    pub(super) fn not_found(path: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            kind: "NotFound",
            message: format!("there is no `{path}`"),
        }
    }
}

/// One thing that a service can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Home,
    SearchPage,
    AddToCart,
    Buy,
    Session,
    Products,
    Product(u32),
    Find,
    ReadCart(String),
    FillCart(String),
    EmptyCart(String),
    TakeOrder,
    TakePayment,
    Authorise,
}

impl Operation {
    /// The operation of `part` behind a method and path; nothing where there is no such route.
    pub(super) fn of(part: Part, method: &Method, path: &str) -> Option<Self> {
        let get = *method == Method::GET;
        let post = *method == Method::POST;
        match (part, path) {
            (Part::Web, "/") if get => Some(Self::Home),
            (Part::Web, "/search") if get => Some(Self::SearchPage),
            (Part::Web, "/cart") if post => Some(Self::AddToCart),
            (Part::Web, "/checkout") if post => Some(Self::Buy),
            (Part::Auth, "/session") if get => Some(Self::Session),
            (Part::Catalog, "/products") if get => Some(Self::Products),
            (Part::Catalog, _) if get => {
                path.strip_prefix("/products/")?.parse().ok().map(Self::Product)
            }
            (Part::Search, "/search") if get => Some(Self::Find),
            (Part::Cart, _) => {
                let user = path.strip_prefix("/carts/")?.to_owned();
                match method.as_str() {
                    "GET" => Some(Self::ReadCart(user)),
                    "POST" => Some(Self::FillCart(user)),
                    "DELETE" => Some(Self::EmptyCart(user)),
                    _ => None,
                }
            }
            (Part::Checkout, "/checkout") if post => Some(Self::TakeOrder),
            (Part::Payment, "/payments") if post => Some(Self::TakePayment),
            (Part::Provider, "/authorisations") if post => Some(Self::Authorise),
            _ => None,
        }
    }

    /// The route's template: few different ones, whoever asks.
    pub(super) const fn route(&self) -> &'static str {
        match self {
            Self::Home => "/",
            Self::SearchPage | Self::Find => "/search",
            Self::AddToCart => "/cart",
            Self::Buy | Self::TakeOrder => "/checkout",
            Self::Session => "/session",
            Self::Products => "/products",
            Self::Product(_) => "/products/{id}",
            Self::ReadCart(_) | Self::FillCart(_) | Self::EmptyCart(_) => "/carts/{user}",
            Self::TakePayment => "/payments",
            Self::Authorise => "/authorisations",
        }
    }
}

impl Instance {
    pub(super) async fn perform(
        &self,
        operation: Operation,
        cx: &Context,
    ) -> Result<Value, Failure> {
        match operation {
            Operation::Home => {
                self.get(cx, Part::Auth, "/session").await?;
                self.get(cx, Part::Catalog, "/products").await
            }
            Operation::SearchPage => {
                self.get(cx, Part::Auth, "/session").await?;
                self.get(cx, Part::Search, "/search").await
            }
            Operation::AddToCart => self.add_to_cart(cx).await,
            Operation::Buy => {
                self.get(cx, Part::Auth, "/session").await?;
                self.post(cx, Part::Checkout, "/checkout", json!({})).await
            }
            Operation::Session => Ok(json!({"user": user(cx)})),
            Operation::Products => Ok((1..=PAGE).map(product).collect()),
            Operation::Product(id) if (1..=PRODUCTS).contains(&id) => Ok(product(id)),
            Operation::Product(id) => Err(Failure::not_found(&format!("/products/{id}"))),
            Operation::Find => {
                let products = self.get(cx, Part::Catalog, "/products").await?;
                Ok(json!({"found": products}))
            }
            Operation::ReadCart(user) => Ok(json!({"items": self.items(&user)})),
            Operation::FillCart(user) => self.fill_cart(cx, user).await,
            Operation::EmptyCart(user) => {
                self.carts().remove(&user);
                Ok(json!({}))
            }
            Operation::TakeOrder => self.take_order(cx).await,
            Operation::TakePayment => {
                self.post(cx, Part::Provider, "/authorisations", json!({"currency": "EUR"})).await
            }
            Operation::Authorise => Ok(json!({"authorised": true})),
        }
    }

    async fn add_to_cart(&self, cx: &Context) -> Result<Value, Failure> {
        self.get(cx, Part::Auth, "/session").await?;
        self.post(cx, Part::Cart, &cart_path(cx), json!({})).await
    }

    async fn fill_cart(&self, cx: &Context, user: String) -> Result<Value, Failure> {
        let id = self.any_product();
        self.get(cx, Part::Catalog, &format!("/products/{id}")).await?;
        let mut carts = self.carts();
        if carts.len() >= CARTS_MAX && !carts.contains_key(&user) {
            carts.pop_first();
        }
        let items = carts.entry(user).or_default();
        if items.len() < ITEMS_MAX {
            items.push(id);
        }
        Ok(json!({"items": items}))
    }

    async fn take_order(&self, cx: &Context) -> Result<Value, Failure> {
        if self.version == BROKEN_CHECKOUT {
            return Err(Failure::bug(
                "MissingCurrency",
                "cannot price the order: field `currency` is missing",
            ));
        }
        let cart_path = cart_path(cx);
        let cart = self.get(cx, Part::Cart, &cart_path).await?;
        let total_cents = total_cents(&cart);
        self.post(cx, Part::Payment, "/payments", json!({"total_cents": total_cents})).await?;
        let empty =
            Ask { peer: Part::Cart, method: Method::DELETE, path: &cart_path, body: Value::Null };
        self.call(cx, &empty).await?;
        self.telemetry.ordered(cx, total_cents);
        Ok(json!({"total_cents": total_cents}))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 0 and less than 40"
    )]
    fn any_product(&self) -> u32 {
        1 + (self.roll() * f64::from(PRODUCTS)) as u32
    }

    fn items(&self, user: &str) -> Vec<u32> {
        self.carts().get(user).cloned().unwrap_or_default()
    }

    fn carts(&self) -> std::sync::MutexGuard<'_, std::collections::BTreeMap<String, Vec<u32>>> {
        self.carts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn cart_path(cx: &Context) -> String {
    let user = user(cx).unwrap_or_else(|| "guest".to_owned());
    format!("/carts/{user}")
}

fn product(id: u32) -> Value {
    json!({"id": id, "name": format!("product {id}"), "price_cents": price_cents(id)})
}

const fn price_cents(id: u32) -> u32 {
    490 + (id * 1_237) % 9_000
}

/// An empty cart buys a gift card.
fn total_cents(cart: &Value) -> u32 {
    let items = cart.get("items").and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
    let ids = items.iter().filter_map(|item| item.as_u64().and_then(|id| u32::try_from(id).ok()));
    let total: u32 = ids.map(price_cents).sum();
    if total == 0 { 2_500 } else { total }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(part: Part, method: Method, path: &str) -> Option<&'static str> {
        Operation::of(part, &method, path).map(|operation| operation.route())
    }

    #[test]
    fn routes_are_templates() {
        assert_eq!(route(Part::Cart, Method::POST, "/carts/u-17"), Some("/carts/{user}"));
        assert_eq!(route(Part::Catalog, Method::GET, "/products/3"), Some("/products/{id}"));
        assert_eq!(route(Part::Checkout, Method::POST, "/checkout"), Some("/checkout"));
    }

    #[test]
    fn other_methods_and_paths_have_no_route() {
        assert_eq!(route(Part::Checkout, Method::GET, "/checkout"), None);
        assert_eq!(route(Part::Catalog, Method::GET, "/products/none"), None);
        assert_eq!(route(Part::Web, Method::GET, "/admin"), None);
    }

    #[test]
    fn an_empty_cart_still_costs_something() {
        assert_eq!(total_cents(&json!({"items": []})), 2_500);
        assert_eq!(total_cents(&json!({"items": [1, 2]})), price_cents(1) + price_cents(2));
    }
}
