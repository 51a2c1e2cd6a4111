//! Verbs that ask a server, where the server is not there, or says no.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use model::Clock as _;

use crate::{Run, folder, run};

/// Asks a server that gives one answer, and returns the request's head too.
fn ask(status: &str, content_type: &str, body: &str, arguments: &[&str]) -> (Run, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut chunk = [0; 4096];
        while !request.windows(4).any(|part| part == b"\r\n\r\n") {
            let read = stream.read(&mut chunk).unwrap();
            request.extend_from_slice(&chunk[..read]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&request).into_owned()
    });
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--server", &url]).collect();
    (run(folder().path(), &arguments), server.join().unwrap())
}

fn problem(status: &str, arguments: &[&str]) -> (i32, String) {
    let code: u16 = status.split(' ').next().unwrap().parse().unwrap();
    let body = format!(
        r#"{{"type":"/problems/x","title":"No","status":{code},"detail":"because of `x`"}}"#
    );
    let (run, _) = ask(status, "application/problem+json", &body, arguments);
    assert_eq!(run.out, "");
    (run.exit, run.err)
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let run = run(folder().path(), &["slo", "list", "--server", "http://127.0.0.1:1"]);
    assert_eq!((run.exit, run.out.as_str()), (7, ""));
    assert!(
        run.err.starts_with(
            "evenkeel: cannot reach http://127.0.0.1:1/; is `evenkeel serve` running?"
        ),
        "{}",
        run.err
    );
}

#[test]
fn an_address_that_is_none_is_a_usage_error() {
    let run = run(folder().path(), &["slo", "list", "--server", "ftp://x"]);
    assert_eq!(run.exit, 2);
    insta::assert_snapshot!(run.err, @"evenkeel: `ftp://x` is not a server's address: only http and https are spoken; write `http://127.0.0.1:7700`");
}

#[test]
fn the_exit_code_says_what_the_server_said() {
    let get: &[&str] = &["incident", "get", "inc_1"];
    assert_eq!(problem("404 Not Found", get), (5, "evenkeel: No: because of `x`\n".into()));
    assert_eq!(problem("401 Unauthorized", get).0, 4);
    assert_eq!(problem("403 Forbidden", get).0, 4);
    assert_eq!(problem("409 Conflict", get).0, 6);
    assert_eq!(problem("500 Internal Server Error", get).0, 1);
}

#[test]
fn something_else_than_evenkeel_is_told_apart() {
    let (run, _) = ask("200 OK", "text/html", "<html>", &["slo", "list"]);
    assert_eq!(run.exit, 1);
    assert!(run.err.contains("answers with something else than Evenkeel does"), "{}", run.err);
}

#[test]
fn a_list_prints_as_table_json_and_yaml() {
    let body = r#"{"items":[],"next_after":null}"#;
    let check =
        |format| ask("200 OK", "application/json", body, &["journal", "list", "-o", format]).0.out;
    assert_eq!(check("table"), "nothing to show\n");
    assert_eq!(check("json"), "{\n  \"items\": [],\n  \"next_after\": null\n}\n");
    assert_eq!(check("yaml"), "items: []\nnext_after: null\n");
}

#[test]
fn a_name_is_one_part_of_the_path_and_the_token_goes_into_a_header() {
    let folder = folder();
    let file = folder.path().join("token");
    std::fs::write(&file, "s3cret\n").unwrap();
    let arguments = ["slo", "get", "../a b?", "--token-file", file.to_str().unwrap()];
    let (_, request) = ask("404 Not Found", "text/plain", "", &arguments);
    assert!(request.starts_with("GET /evenkeel/v1/slos/..%2Fa%20b%3F HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer s3cret\r\n"), "{request}");
}

#[test]
fn a_query_prints_as_promtool_does() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"__name__":"up","job":"a"},"value":[1795000000,"1"]}]}}"#;
    let (run, request) = ask("200 OK", "application/json", body, &["query", "up"]);
    assert_eq!((run.exit, run.out.as_str()), (0, "up{job=\"a\"} => 1 @[1795000000]\n"));
    assert!(request.starts_with("GET /api/v1/query?query=up HTTP/1.1"), "{request}");
}

#[test]
fn native_histograms_are_shown_by_their_buckets() {
    let histogram = r#"{"count":"7","sum":"-0.5","buckets":[
        [1,"-2","-1","1"],[3,"-0.001","0.001","2"],[0,"0.5","1","3"],[2,"4","+Inf","1"]]}"#;
    let shown = "{count:7, sum:-0.5, [-2,-1):1, [-0.001,0.001]:2, (0.5,1]:3, (4,+Inf):1}";
    let ask = |kind: &str, sample: &str, arguments: &[&str]| {
        let body = format!(
            r#"{{"status":"success","data":{{"resultType":"{kind}","result":[
            {{"metric":{{"__name__":"h"}},{sample}}}]}}}}"#
        );
        ask("200 OK", "application/json", &body, arguments)
    };
    let instant = format!(r#""histogram":[1795000000.5,{histogram}]"#);
    let (run, _) = ask("vector", &instant, &["query", "h"]);
    assert_eq!((run.exit, run.out), (0, format!("h{{}} => {shown} @[1795000000.5]\n")));

    let empty = r#""histogram":[1795000000,{"count":"0","sum":"0"}]"#;
    assert_eq!(
        ask("vector", empty, &["query", "h"]).0.out,
        "h{} => {count:0, sum:0} @[1795000000]\n"
    );

    // Of a series that became one of histograms, and one that always was.
    let mixed = format!(r#""values":[[1795000000,"4"]],"histograms":[[1795000060,{histogram}]]"#);
    let expected = format!("h{{}} =>\n  4 @[1795000000]\n  {shown} @[1795000060]\n");
    assert_eq!(ask("matrix", &mixed, &["query", "h[5m]"]).0.out, expected);
    let alone = format!(r#""histograms":[[1795000060,{histogram}]]"#);
    let range = ["query", "h", "--start", "1795000000", "--end", "1795000060"];
    let (run, request) = ask("matrix", &alone, &range);
    assert_eq!(run.out, format!("h{{}} =>\n  {shown} @[1795000060]\n"));
    let path = "GET /api/v1/query_range?query=h&start=1795000000&end=1795000060&step=60 HTTP/1.1";
    assert!(request.starts_with(path), "{request}");
}

#[test]
fn a_step_is_a_duration_and_a_range_ends_now() {
    let body = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
    let range = ["query", "up", "--start", "1795000000", "--step", "1m30s"];
    let before = model::SystemClock::new().now();
    let (run, request) = ask("200 OK", "application/json", body, &range);
    assert_eq!((run.exit, run.out.as_str()), (0, "no series\n"), "{}", run.err);
    let (_, rest) = request.split_once("&end=").unwrap();
    let (end, rest) = rest.split_once('&').unwrap();
    assert!(rest.starts_with("step=1m30s HTTP/1.1"), "{request}");
    let end: model::Timestamp = end.replace("%3A", ":").parse().unwrap();
    assert!(before.as_millis() <= end.as_millis(), "{request}");
    assert!(end <= model::SystemClock::new().now(), "{request}");

    let body = r#"{"status":"error","errorType":"bad_data","error":"cannot parse \"1x\""}"#;
    let range = ["query", "up", "--start", "1795000000", "--step", "1x"];
    assert_eq!(ask("400 Bad Request", "application/json", body, &range).0.exit, 2);
}

#[test]
fn a_query_that_is_refused_says_why() {
    let body = r#"{"status":"error","errorType":"bad_data","error":"1:5: parse error: unclosed"}"#;
    let (run, _) = ask("400 Bad Request", "application/json", body, &["query", "sum("]);
    assert_eq!(
        (run.exit, run.err.as_str()),
        (2, "evenkeel: bad_data: 1:5: parse error: unclosed\n")
    );
}

#[test]
fn what_is_wrong_in_a_query_is_said_with_its_fix_and_by_the_exit_code() {
    let finding = |severity: &str| {
        format!(
            r#"{{"items":[{{"code":"rate-of-gauge","severity":"{severity}","message":"`m` is a gauge",
            "start":10,"end":21,"line":1,"column":12,
            "fix":{{"title":"use `deriv`","edits":[{{"start":10,"end":14,"text":"deriv"}}]}}}}],"more":2}}"#
        )
    };
    let check = |body: &str| {
        let (run, request) =
            ask("200 OK", "application/json", body, &["query", "--lint", "{a='é'} * rate(m[5m])"]);
        assert!(request.starts_with("POST /evenkeel/v1/promql/lint HTTP/1.1"), "{request}");
        (run.exit, run.out)
    };
    let (exit, out) = check(&finding("warning"));
    assert_eq!(exit, 3);
    insta::assert_snapshot!(out, @r"
    1:12: warning: `m` is a gauge [rate-of-gauge]
      use `deriv`: {a='é'} * deriv(m[5m])
    and 2 more
    ");
    assert_eq!(check(&finding("error")).0, 1);
    assert_eq!(check(&finding("hint")).0, 0);
    assert_eq!(check(r#"{"items":[],"more":0}"#), (0, "nothing was found\n".to_owned()));
}
