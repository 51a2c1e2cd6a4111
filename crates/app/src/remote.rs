//! Other Prometheus-compatible servers: one that is asked in place of the own store, and those that samples are forwarded to.
//!
//! ```text
//! query -> Remote (the whole expression, over HTTP) -> answer          `remote_query`
//! stored samples -> Forwarding (queue on disk) -> remote write         `remote_write`
//! ```

mod answer;
mod ask;
mod endpoint;
pub mod forward;
mod histogram;
mod source;

use promql::ast::{Expr, ExprKind, Selector};

pub use ask::{AskError, Remote, RemoteOptions};
pub use endpoint::{Auth, Endpoint, EndpointError, SecretText};
pub use source::RemoteSource;

/// Series with names that begin so are this server's own, whatever cluster is asked for others.
const OWN_PREFIX: &str = "evenkeel_sli_";

/// Whether each selector of the expression names series that only this server has (and there is one).
pub(crate) fn is_own(expr: &Expr) -> bool {
    let mut found = Vec::new();
    selectors(expr, &mut found);
    let own = |selector: &&Selector| {
        selector.matchers.iter().any(|matcher| {
            matcher.name() == model::Labels::METRIC_NAME
                && matcher.op() == model::MatchOp::Equal
                && matcher.value().starts_with(OWN_PREFIX)
        })
    };
    !found.is_empty() && found.iter().all(own)
}

/// The selectors of an expression in the order in which they stand.
pub fn selectors<'e>(expr: &'e Expr, into: &mut Vec<&'e Selector>) {
    if let ExprKind::Selector(selector) | ExprKind::Matrix { selector, .. } = &expr.kind {
        into.push(selector);
    }
    expr.children().into_iter().for_each(|child| selectors(child, into));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_nothing_else_is_answered_here() {
        let check = |text: &str, expected: bool| {
            assert_eq!(is_own(&promql::parse(text).unwrap()), expected, "{text}");
        };
        check("rate(evenkeel_sli_good_total[5m])", true);
        check("evenkeel_sli_good_total / on () up", false);
        check("up", false);
        check("1 + 1", false);
        check("{__name__=~\"evenkeel_sli_.*\"}", false);
    }
}
