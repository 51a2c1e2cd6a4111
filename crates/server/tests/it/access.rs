//! Who may ask what, from where.

use std::net::SocketAddr;

use axum::{Extension, Router, routing::get};
use model::Limits;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, trace_service_client::TraceServiceClient,
};
use server::{BindError, Caller, Server, ServerConfig, Token};
use tonic::{Code, transport::Channel};

use crate::support::{Rig, config, send};

fn tokens(name: &str, secret: &str) -> Vec<Token> {
    vec![Token::new(name, secret)]
}

async fn rig(change: impl FnOnce(&mut ServerConfig)) -> Rig {
    let mut config = config();
    change(&mut config);
    let whoami = |Extension(caller): Extension<Caller>| async move { format!("{caller:?}") };
    let extra = Router::new()
        .route("/evenkeel/v1/whoami", get(whoami).post(whoami))
        .route("/p/ack/x", get(whoami));
    Rig::start_with(config, Limits::default(), extra).await
}

const WHO: &str = "/evenkeel/v1/whoami";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_headers() {
    let rig = rig(|_| {}).await;
    for path in ["/livez", "/nowhere", "/p/sign-in", "/metrics", "/readyz"] {
        let answer = send(rig.main, "GET", path, &[], b"").await;
        let csp = answer.header("content-security-policy").unwrap();
        assert!(
            csp.contains("default-src 'none'")
                && csp.contains("require-trusted-types-for 'script'"),
            "{path}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name).as_deref(), Some(value), "{path}");
        }
    }
    let page = send(rig.main, "GET", "/p/sign-in?next=%22%3E%3Cscript%3E", &[], b"").await;
    let nonce = page
        .header("content-security-policy")
        .unwrap()
        .split("'nonce-")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap()
        .to_owned();
    assert!(
        page.text().contains(&format!("<style nonce=\"{nonce}\">")) || nonce.contains(['+', '='])
    );
    assert!(!page.text().contains("<script"));
    let missing = send(rig.main, "GET", "/nowhere", &[], b"").await;
    assert_eq!(
        (missing.status, missing.header("content-type").as_deref()),
        (404, Some("application/problem+json"))
    );
    insta::assert_snapshot!(missing.text(), @r#"{"detail":"there is nothing at `/nowhere`","status":404,"title":"There is no such thing","type":"urn:evenkeel:problem:not-found"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_and_another_site_are_refused() {
    let rig = rig(|_| {}).await;
    for (host, status) in [
        ("localhost", 200),
        ("127.0.0.1:1", 200),
        ("evil.example", 421),
        ("evil.example:7700", 421),
    ] {
        for path in ["/livez", WHO] {
            assert_eq!(
                send(rig.main, "GET", path, &[("host", host)], b"").await.status,
                status,
                "{host} {path}"
            );
        }
    }
    let json = ("content-type", "application/json");
    for (header, status) in [
        (("x", "y"), 200),
        (("sec-fetch-site", "same-origin"), 200),
        (("sec-fetch-site", "cross-site"), 403),
        (("sec-fetch-site", "same-site"), 403),
        (("origin", "null"), 403),
        (("origin", "http://localhost:1"), 403),
    ] {
        for (to, path) in [(rig.main, WHO), (rig.main, "/v1/logs"), (rig.http, "/v1/logs")] {
            assert_eq!(
                send(to, "POST", path, &[json, header], b"{}").await.status,
                status,
                "{header:?} {path}"
            );
        }
        assert_eq!(
            send(rig.main, "GET", WHO, &[header], b"").await.status,
            200,
            "reading is no change"
        );
    }
    let own = format!("http://{}", rig.main);
    assert_eq!(send(rig.main, "POST", WHO, &[("origin", &own)], b"").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_token_opens_what_it_is_for() {
    let rig = rig(|config| {
        config.api_tokens = tokens("ana", "api-secret");
        config.ingest_tokens = tokens("agent", "ingest-secret");
        config.public_prefixes = vec!["/p/ack/".into()];
    })
    .await;
    let check = async |secret: Option<&str>, method: &str, path: &str| {
        let bearer = secret.map(|secret| format!("Bearer {secret}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        send(rig.main, method, path, &headers, b"{}").await.status
    };
    for path in ["/livez", "/readyz", "/-/healthy", "/-/ready", "/p/sign-in", "/p/ack/x"] {
        assert_eq!(check(None, "GET", path).await, 200, "{path}");
    }
    for (secret, api, ingest) in [
        (None, 401, 401),
        (Some("wrong"), 401, 401),
        (Some("api-secret"), 200, 200),
        (Some("ingest-secret"), 401, 200),
    ] {
        assert_eq!(check(secret, "GET", WHO).await, api, "{secret:?}");
        assert_eq!(check(secret, "GET", "/metrics").await, api, "{secret:?}");
        assert_eq!(check(secret, "POST", "/v1/logs").await, ingest, "{secret:?}");
    }
    assert_eq!(check(None, "GET", "/no/such/route").await, 401, "what is not known is closed");
    let elsewhere = [("host", "evil.example"), ("authorization", "Bearer api-secret")];
    assert_eq!(send(rig.main, "GET", WHO, &elsewhere, b"").await.text(), "Token(\"ana\")");
    let channel =
        Channel::from_shared(format!("http://{}", rig.grpc)).unwrap().connect().await.unwrap();
    let mut client = TraceServiceClient::new(channel);
    let request = || tonic::Request::new(ExportTraceServiceRequest::default());
    assert_eq!(client.export(request()).await.unwrap_err().code(), Code::Unauthenticated);
    let mut with_token = request();
    with_token.metadata_mut().insert("authorization", "Bearer ingest-secret".parse().unwrap());
    client.export(with_token).await.unwrap();
    assert!(!rig.metrics.render().contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_out() {
    let rig = rig(|config| config.api_tokens = tokens("ana", "api secret+")).await;
    let html = ("accept", "text/html,*/*");
    let sent_away = send(rig.main, "GET", "/evenkeel/v1/whoami?a=b", &[html], b"").await;
    assert_eq!(
        (sent_away.status, sent_away.header("location").as_deref()),
        (303, Some("/p/sign-in?next=%2Fevenkeel%2Fv1%2Fwhoami%3Fa%3Db"))
    );
    let form = ("content-type", "application/x-www-form-urlencoded");
    let wrong = send(rig.main, "POST", "/p/sign-in", &[form], b"token=nope&next=/").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.header("set-cookie").is_none() && !wrong.text().contains("nope"));
    assert_eq!(
        send(rig.main, "POST", "/p/sign-in", &[form, ("sec-fetch-site", "cross-site")], b"token=x")
            .await
            .status,
        403
    );
    let right =
        send(rig.main, "POST", "/p/sign-in", &[form], b"token=api+secret%2B&next=%2Fapp%2Fnow")
            .await;
    assert_eq!((right.status, right.header("location").as_deref()), (303, Some("/app/now")));
    let set = right.header("set-cookie").unwrap();
    assert!(set.contains("HttpOnly") && !set.contains("secret"), "{set}");
    let cookie = set.split(';').next().unwrap();
    assert_eq!(
        send(rig.main, "GET", WHO, &[("cookie", cookie)], b"").await.text(),
        "Session(\"ana\")"
    );
    assert_eq!(send(rig.main, "POST", "/p/sign-out", &[("cookie", cookie)], b"").await.status, 303);
    assert_eq!(send(rig.main, "GET", WHO, &[("cookie", cookie)], b"").await.status, 401);
    for _ in 0..25 {
        send(rig.main, "POST", "/p/sign-in", &[form], b"token=nope").await;
    }
    assert_eq!(
        send(rig.main, "POST", "/p/sign-in", &[form], b"token=api+secret%2B").await.status,
        429
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_loopback_needs_a_token() {
    let any: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let bind = async |change: &dyn Fn(&mut ServerConfig)| {
        let mut config = config();
        change(&mut config);
        match Server::bind(config).await {
            Ok(_) => "bound".to_owned(),
            Err(BindError::NeedsToken { setting, .. }) => setting.to_owned(),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(bind(&|config| config.listen = any).await, "api.tokens");
    assert_eq!(bind(&|config| config.otlp_grpc_listen = Some(any)).await, "ingest.tokens");
    assert_eq!(bind(&|config| config.otlp_http_listen = Some(any)).await, "ingest.tokens");
    assert_eq!(
        bind(&|config| {
            config.listen = any;
            config.api_tokens = tokens("a", "b");
        })
        .await,
        "bound"
    );
    assert_eq!(
        bind(&|config| {
            config.listen = any;
            config.insecure_listen = vec![any];
        })
        .await,
        "bound"
    );
    let taken = Rig::plain().await;
    assert!(
        bind(&|config| config.listen = taken.main)
            .await
            .starts_with("cannot listen on `127.0.0.1:")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn off_loopback_ingest_asks_for_a_token_even_when_only_the_api_has_one() {
    let rig = rig(|config| {
        config.listen = "0.0.0.0:0".parse().unwrap();
        config.api_tokens = tokens("ana", "s");
    })
    .await;
    let main = SocketAddr::from(([127, 0, 0, 1], rig.main.port()));
    let json = ("content-type", "application/json");
    assert_eq!(send(main, "POST", "/v1/logs", &[json], b"{}").await.status, 401);
    assert_eq!(
        send(main, "POST", "/v1/logs", &[json, ("authorization", "Bearer s")], b"{}").await.status,
        200
    );
    assert_eq!(send(rig.http, "POST", "/v1/logs", &[json], b"{}").await.status, 200);
}
