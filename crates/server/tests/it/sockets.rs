//! Slow, idle, deaf and too many peers; and the end.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use futures_util::stream;
use model::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::support::{PATIENCE, Rig, config, parse, send};

/// Sends bytes and reads until the server closes.
pub(crate) async fn talk(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset is as good an end as any.
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes").ok();
    answer
}

/// How many slow answers have begun.
static SLOW_BEGAN: AtomicU32 = AtomicU32::new(0);

async fn quick() -> Rig {
    let mut config = config();
    config.timeouts.first_byte = Duration::from_millis(50);
    config.timeouts.header = Duration::from_millis(60);
    config.timeouts.idle = Duration::from_millis(80);
    config.timeouts.write_stall = Duration::from_millis(100);
    config.timeouts.drain = Duration::from_secs(2);
    let endless = || async {
        Body::from_stream(stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from_static(&[0; 65536]))
        }))
    };
    let slow = || async {
        SLOW_BEGAN.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
        "late but whole"
    };
    let extra = Router::new()
        .route("/endless", get(endless))
        .route("/slow", get(slow))
        .route("/panic", get(|| async { panic!("on purpose") as &'static str }));
    Rig::start_with(config, Limits::default(), extra).await
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_slow_and_idle_peers_are_closed() {
    let rig = quick().await;
    for bytes in [
        &b""[..],
        b"GET / HT",
        b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx: ",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let started = Instant::now();
        talk(rig.main, bytes).await;
        assert!(started.elapsed() < Duration::from_secs(5), "{}", String::from_utf8_lossy(bytes));
    }
    let kept = talk(rig.main, b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(parse(&kept).status, 200, "answered, then closed when idle");
    let closed = rig.metrics.render();
    for why in ["first_byte", "header", "idle"] {
        assert!(closed.contains(&format!(r#"why="{why}""#)), "{why}: {closed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trickling_headers_gain_no_time() {
    let rig = quick().await;
    let mut stream = TcpStream::connect(rig.main).await.unwrap();
    let trickle = async {
        stream.write_all(b"GET /livez HTTP/1.1\r\n").await.unwrap();
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        // Writing fails once the server has closed.
        while stream.write_all(b"a: b\r\n").await.is_ok() {
            tick.tick().await;
        }
    };
    timeout(PATIENCE, trickle).await.expect("the server closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_does_not_read_is_closed_and_a_slow_answer_is_not() {
    let rig = quick().await;
    let mut deaf = TcpStream::connect(rig.main).await.unwrap();
    deaf.write_all(b"GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let slow = send(rig.main, "GET", "/slow", &[], b"").await;
    assert_eq!(slow.text(), "late but whole");
    let closed = async {
        while !rig.metrics.render().contains(r#"why="write_stall""#) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, closed).await.expect("the deaf peer is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_one_requests_500() {
    let rig = quick().await;
    let answer = send(rig.main, "GET", "/panic", &[], b"").await;
    assert_eq!(answer.status, 500);
    assert!(!answer.text().contains("purpose"));
    let metrics = rig.metrics.render();
    assert!(metrics.contains("evenkeel_http_panics_total{} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_slots_are_for_health_and_people() {
    let mut config = config();
    config.connections.connections_max = 4;
    config.connections.reserved = 2;
    let rig = Rig::start(config, Limits::default()).await;
    let first = TcpStream::connect(rig.main).await.unwrap();
    let second = TcpStream::connect(rig.main).await.unwrap();
    let full = async {
        while !rig.metrics.render().contains(r#"evenkeel_http_connections{listener="main"} 2"#) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, full).await.unwrap();
    assert_eq!(send(rig.main, "GET", "/livez", &[], b"").await.status, 200);
    let json = [("content-type", "application/json")];
    assert_eq!(send(rig.main, "POST", "/v1/logs", &json, b"{}").await.status, 503);
    assert_eq!(
        send(rig.http, "POST", "/v1/logs", &json, b"{}").await.status,
        200,
        "each listener has its own cap"
    );
    let held =
        [TcpStream::connect(rig.main).await.unwrap(), TcpStream::connect(rig.main).await.unwrap()];
    let capped = async {
        while !rig.metrics.render().contains(r#"evenkeel_http_connections{listener="main"} 4"#) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, capped).await.unwrap();
    assert!(talk(rig.main, b"").await.is_empty(), "closed at once");
    drop((first, second, held));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_have_a_limit() {
    let rig = Rig::plain().await;
    let huge = "a".repeat(200 << 10);
    let status = |answer: Vec<u8>| parse(&answer).status;
    let request = format!("GET /livez HTTP/1.1\r\nhost: localhost\r\nx: {huge}\r\n\r\n");
    assert!(matches!(status(talk_unread(rig.main, request.as_bytes()).await), 431 | 0));
    let many = "a: b\r\n".repeat(200);
    let request = format!("GET /livez HTTP/1.1\r\nhost: localhost\r\n{many}\r\n");
    assert_eq!(status(talk_unread(rig.main, request.as_bytes()).await), 431);
}

/// As [`talk`], where the server may close before it has read everything.
async fn talk_unread(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(bytes).await.ok();
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes").ok();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn it_drains_what_runs_and_cuts_off_what_does_not_end() {
    let mut rig = quick().await;
    let main = rig.main;
    let began = SLOW_BEGAN.load(Ordering::SeqCst);
    let mut slow = TcpStream::connect(main).await.unwrap();
    slow.write_all(b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    while SLOW_BEGAN.load(Ordering::SeqCst) == began {
        tokio::task::yield_now().await;
    }
    let mut endless = TcpStream::connect(main).await.unwrap();
    endless.write_all(b"GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    endless.readable().await.unwrap();
    let reading = tokio::spawn(async move {
        let mut sink = vec![0; 1 << 16];
        while endless.read(&mut sink).await.is_ok_and(|read| read > 0) {}
    });
    let serving = rig.stop();
    let mut answer = Vec::new();
    timeout(PATIENCE, slow.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert_eq!(parse(&answer).text(), "late but whole");
    timeout(PATIENCE, serving).await.expect("it ends by itself").unwrap();
    timeout(PATIENCE, reading).await.expect("the endless answer was cut off").unwrap();
    assert!(TcpStream::connect(main).await.is_err(), "nobody listens any more");
}

/// Sends all of a large body before it reads, as most clients do; the connection must not be reset under its answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_before_it_reads_gets_its_refusal() {
    let rig = Rig::plain().await;
    for (kind, length, status) in [("application/json", 40 << 20, 413), ("text/csv", 8 << 20, 415)]
    {
        let mut stream = TcpStream::connect(rig.main).await.unwrap();
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
        );
        let exchange = async {
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&vec![b' '; length]).await.expect("the server takes the body in");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.expect("no reset");
            answer
        };
        let answer = parse(&timeout(PATIENCE, exchange).await.unwrap());
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains("detail") || answer.text().contains("message"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_for_an_unread_body_is_bounded() {
    let rig = Rig::plain().await;
    let started = Instant::now();
    let head = "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\ncontent-length: 100\r\n\r\n";
    let answer = parse(&talk(rig.main, head.as_bytes()).await);
    assert_eq!(answer.status, 415);
    assert!(started.elapsed() < Duration::from_secs(8));
}
