//! Errors as their readers want them, and the base path under which people come.

use axum::{Extension, Router, extract::Path, routing::get};
use model::Limits;
use prost::Message;
use server::{Caller, Token, wire::rpc_status::RpcStatus};

use crate::support::{Rig, config, send};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

async fn rig(external_url: &str, token: bool) -> Rig {
    let mut config = config();
    config.external_url = Some(external_url.parse().unwrap());
    if token {
        config.api_tokens = vec![Token::new("ana", "secret")];
        config.ingest_tokens = vec![Token::new("agent", "ingest")];
    }
    let who = |Extension(caller): Extension<Caller>| async move { format!("{caller:?}") };
    let extra = Router::new()
        .route("/app/now", get(|| async { "now" }))
        .route("/evenkeel/v1/whoami", get(who))
        .route("/evenkeel/v1/slos/{name}", get(|Path(name): Path<String>| async { name }))
        .route("/panic", get(|| async { panic!("on purpose") as &'static str }));
    Rig::start_with(config, Limits::default(), extra).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_a_page_and_a_program_a_problem() {
    let rig = rig("https://host.example/even/", false).await;
    for (headers, path, status) in [
        (&[HTML][..], "/nowhere", 404),
        (&[HTML], "/v1/traces/x", 404),
        (&[HTML], "/p/sign-out", 405),
        (&[HTML, ("host", "evil.example")], "/app/now", 421),
        (&[HTML], "/panic", 500),
    ] {
        let page = send(rig.main, "GET", path, headers, b"").await;
        let kind = page.header("content-type").unwrap();
        assert_eq!((page.status, kind.as_str()), (status, "text/html; charset=utf-8"), "{path}");
        let text = page.text();
        assert!(text.contains(&format!("<p class=\"where\">{status}</p>")), "{text}");
        assert!(text.contains("href=\"/even/\"") && !text.contains("<script"), "{text}");
        let csp = page.header("content-security-policy").unwrap();
        let nonce = csp.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert!(text.contains(&format!("nonce=\"{nonce}\"")), "{csp} {text}");
        let plain: Vec<_> = headers.iter().copied().filter(|header| *header != HTML).collect();
        let problem = send(rig.main, "GET", path, &plain, b"").await;
        let kind = problem.header("content-type").unwrap();
        assert_eq!((problem.status, kind.as_str()), (status, "application/problem+json"), "{path}");
        assert!(problem.header("content-security-policy").is_some(), "{path}");
    }
    let post = send(rig.main, "POST", "/nowhere", &[HTML], b"").await;
    assert_eq!(post.header("content-type").as_deref(), Some("application/problem+json"));
    let odd = send(rig.main, "GET", "/%3Cb%3E", &[HTML], b"").await.text();
    assert!(!odd.contains("<b>"), "{odd}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_refuses_of_otlp_is_a_status_in_the_requests_encoding() {
    let rig = rig("http://localhost", true).await;
    let json = ("content-type", "application/json");
    let refused = send(rig.main, "POST", "/v1/logs", &[json], b"{}").await;
    assert_eq!(
        (refused.status, refused.header("content-type").as_deref()),
        (401, Some("application/json"))
    );
    let body: serde_json::Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!(body["code"], 16, "{body}");
    assert!(refused.header("www-authenticate").is_some());
    let cross = [json, ("authorization", "Bearer ingest"), ("sec-fetch-site", "cross-site")];
    let cross = send(rig.main, "POST", "/v1/logs", &cross, b"{}").await;
    assert!(cross.status == 403 && cross.text().contains(r#""code":7"#), "{}", cross.text());
    let protobuf = ("content-type", "application/x-protobuf");
    let refused =
        send(rig.http, "POST", "/v1/traces", &[protobuf, ("host", "evil.example")], b"").await;
    assert_eq!(refused.status, 421);
    assert_eq!(RpcStatus::decode(&*refused.body).unwrap().code, 7);
    let odd = [("content-type", "text/csv"), ("authorization", "Bearer ingest")];
    let odd = send(rig.http, "POST", "/v1/traces", &odd, b"").await;
    assert!(odd.status == 415 && odd.text().contains(r#""code":3"#), "{}", odd.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_no_text_is_refused_in_the_apis_own_shape() {
    let rig = rig("http://localhost", false).await;
    assert_eq!(send(rig.main, "GET", "/evenkeel/v1/slos/a%20b", &[], b"").await.text(), "a b");
    let problem = send(rig.main, "GET", "/evenkeel/v1/slos/%FF", &[], b"").await;
    assert_eq!(problem.header("content-type").as_deref(), Some("application/problem+json"));
    insta::assert_snapshot!(problem.text(), @r#"{"detail":"the path is not UTF-8 once it is decoded","status":400,"title":"The request cannot be read","type":"urn:evenkeel:problem:malformed"}"#);
    let prometheus = send(rig.main, "GET", "/api/v1/label/%FF/values", &[], b"").await;
    assert_eq!(prometheus.status, 400);
    insta::assert_snapshot!(prometheus.text(), @r#"{"status":"error","errorType":"bad_data","error":"the path is not UTF-8 once it is decoded"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_path_works_behind_a_proxy_that_strips_it_and_one_that_does_not() {
    for base in ["/even", "/evenkeel"] {
        let rig = rig(&format!("http://localhost{base}"), true).await;
        let bearer = ("authorization", "Bearer secret");
        for prefix in ["", base] {
            let path = format!("{prefix}/app/now");
            assert_eq!(send(rig.main, "GET", &path, &[bearer], b"").await.text(), "now", "{path}");
            let path = format!("{prefix}/evenkeel/v1/whoami");
            let who = send(rig.main, "GET", &path, &[bearer], b"").await;
            assert_eq!(who.text(), "Token(\"ana\")", "{path}");
            let path = format!("{prefix}/v1/logs");
            let json = ("content-type", "application/json");
            assert_eq!(send(rig.main, "POST", &path, &[json, bearer], b"{}").await.status, 200);
            let away = send(rig.main, "GET", &format!("{prefix}/app/now?x=1"), &[HTML], b"").await;
            let location = format!("{base}/p/sign-in?next=%2Fapp%2Fnow%3Fx%3D1");
            assert_eq!(away.header("location").as_deref(), Some(&*location));
        }
        let page = send(rig.main, "GET", &format!("{base}/p/sign-in"), &[], b"").await.text();
        assert!(page.contains(&format!("action=\"{base}/p/sign-in\"")), "{page}");
        let form = ("content-type", "application/x-www-form-urlencoded");
        let body = b"token=secret&next=%2Fapp%2Fnow";
        let entered = send(rig.main, "POST", "/p/sign-in", &[form], body).await;
        assert_eq!(entered.header("location").as_deref(), Some(&*format!("{base}/app/now")));
        let next = format!("{base}/app/now").replace('/', "%2F");
        let page = send(rig.main, "GET", &format!("/p/sign-in?next={next}"), &[], b"").await.text();
        assert!(page.contains(&format!("name=\"next\" value=\"{base}/app/now\"")), "{page}");
        let body = format!("token=secret&next={next}");
        let below = send(rig.main, "POST", "/p/sign-in", &[form], body.as_bytes()).await;
        assert_eq!(below.header("location").as_deref(), Some(&*format!("{base}/app/now")));
        let cookie = entered.header("set-cookie").unwrap();
        assert!(cookie.contains(&format!("; Path={base}; ")), "{cookie}");
        let left = send(rig.main, "POST", "/p/sign-out", &[form, bearer], b"").await;
        assert_eq!(left.header("location").as_deref(), Some(&*format!("{base}/p/sign-in")));
    }
}
