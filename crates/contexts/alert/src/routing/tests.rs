//! Alertmanager's rules of matching and inheritance.

use model::MatchOp;

use super::*;

fn receiver(name: &str) -> Receiver {
    let webhook = Webhook {
        url: format!("https://{name}.example/hook").into(),
        send_resolved: true,
        max_alerts: 0,
        timeout: None,
    };
    Receiver { name: name.into(), integrations: vec![Integration::Webhook(webhook)] }
}

fn route(receiver: &str, matchers: &[(&str, MatchOp, &str)]) -> RouteConfig {
    RouteConfig {
        receiver: (!receiver.is_empty()).then(|| receiver.into()),
        matchers: matchers
            .iter()
            .map(|(name, op, value)| Matcher::new(*name, *op, *value).unwrap())
            .collect(),
        ..RouteConfig::default()
    }
}

/// root -> db (team=db) -> db-page (severity=page); audit (any, continue) after it; web (team=~web.*).
fn routing() -> Routing {
    let db = RouteConfig {
        group_by: Some(GroupBy::Labels(vec!["cluster".into()])),
        group_wait: Some(Duration::from_secs(5)),
        routes: vec![route("db-page", &[("severity", MatchOp::Equal, "page")])],
        ..route("db", &[("team", MatchOp::Equal, "db")])
    };
    let audit =
        RouteConfig { continue_: true, ..route("audit", &[("audit", MatchOp::NotEqual, "")]) };
    let web = RouteConfig {
        group_by: Some(GroupBy::All),
        routes: vec![route("", &[("severity", MatchOp::Equal, "page")])],
        ..route("web", &[("team", MatchOp::Regex, "web.*")])
    };
    let root = RouteConfig {
        repeat_interval: Some(Duration::from_secs(60)),
        routes: vec![audit, db, web],
        ..route("root", &[])
    };
    let receivers = ["root", "db", "db-page", "audit", "web"].map(receiver);
    Routing::build(root, receivers.into()).unwrap()
}

fn check(pairs: &[(&str, &str)]) -> Vec<String> {
    let labels = Labels::from_pairs(pairs.iter().copied());
    let routing = routing();
    let routed = routing.route(&labels);
    routed.iter().map(|routed| routed.receiver.name.to_string()).collect()
}

#[test]
fn the_deepest_matching_route_names_the_receiver() {
    assert_eq!(check(&[]), ["root"]);
    assert_eq!(check(&[("team", "db")]), ["db"]);
    assert_eq!(check(&[("team", "db"), ("severity", "page")]), ["db-page"]);
    assert_eq!(check(&[("team", "webshop"), ("severity", "page")]), ["web"]);
    assert_eq!(check(&[("team", "the-web")]), ["root"]);
}

#[test]
fn continue_looks_at_the_next_sibling() {
    assert_eq!(check(&[("audit", "yes"), ("team", "db")]), ["audit", "db"]);
    assert_eq!(check(&[("audit", "yes")]), ["audit"]);
}

#[test]
fn what_is_not_said_is_inherited() {
    let routing = routing();
    let labels = Labels::from_pairs([("team", "db"), ("severity", "page"), ("cluster", "c1")]);
    let [routed] = routing.route(&labels)[..] else { panic!("one receiver") };
    assert_eq!(
        routed.timings,
        Timings {
            group_wait: Duration::from_secs(5),
            group_interval: Duration::from_secs(300),
            repeat_interval: Duration::from_secs(60),
        }
    );
    assert_eq!(routed.group_by.group(&labels), Labels::from_pairs([("cluster", "c1")]));
    let web = Labels::from_pairs([("team", "web"), ("severity", "page")]);
    let [routed] = routing.route(&web)[..] else { panic!("one receiver") };
    assert_eq!(routed.group_by.group(&web), web);
}

#[test]
fn a_route_is_named_as_alertmanager_does() {
    let routing = routing();
    let key = |pairs: &[(&str, &str)]| -> Vec<String> {
        let routed = routing.route(&Labels::from_pairs(pairs.iter().copied()));
        routed.iter().map(|routed| routed.route.to_owned()).collect()
    };
    assert_eq!(key(&[]), ["{}"]);
    assert_eq!(
        key(&[("team", "db"), ("severity", "page")]),
        [r#"{}/{team="db"}/{severity="page"}"#]
    );
    assert_eq!(key(&[("audit", "1")]), [r#"{}/{audit!=""}"#]);
    assert_eq!(routing.to("db").map(|to| (&*to.receiver.name, to.route)), Some(("db", "{}")));
    assert_eq!(routing.to("nobody"), None);
}

#[test]
fn all_that_is_wrong_is_reported() {
    let names = vec!["a".into(), "b".into(), "a".into()];
    let child = RouteConfig {
        group_by: Some(GroupBy::Labels(names)),
        group_interval: Some(Duration::ZERO),
        ..route("gone", &[])
    };
    let root = RouteConfig { routes: vec![child], ..route("", &[("a", MatchOp::Equal, "b")]) };
    let errors = Routing::build(root, vec![receiver("x"), receiver("x")]).unwrap_err();
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(errors.join("\n"), @"receiver `x` is defined twice
the root route names no receiver
the root route has matchers or `continue`; it must match everything
receiver `gone` of route `route.routes[0]` is not defined
`group_interval` of route `route.routes[0]` is zero
label `a` is named twice in `group_by` of route `route.routes[0]`");
}

#[test]
fn depth_and_number_are_limited() {
    let mut deep = route("x", &[]);
    for _ in 0..40 {
        deep = RouteConfig { routes: vec![deep], ..route("x", &[]) };
    }
    let errors = Routing::build(deep, vec![receiver("x")]).unwrap_err();
    assert!(matches!(errors[..], [RoutingError::TooDeep { .. }]), "{errors:?}");
    let wide = RouteConfig { routes: vec![route("x", &[]); 20_000], ..route("x", &[]) };
    let errors = Routing::build(wide, vec![receiver("x")]).unwrap_err();
    assert_eq!(errors, [RoutingError::TooMany]);
}

#[test]
fn a_target_shows_no_secret() {
    let check = |url: &str| {
        let webhook =
            Webhook { url: url.into(), send_resolved: true, max_alerts: 0, timeout: None };
        Integration::Webhook(webhook).target()
    };
    assert_eq!(
        check("https://user:pw@hooks.example:8443/T0/secret?key=1"),
        "https://hooks.example:8443"
    );
    assert_eq!(check("https://hooks.example?key=1"), "https://hooks.example");
    assert_eq!(check("http://[::1]:9/x"), "http://[::1]:9");
}
