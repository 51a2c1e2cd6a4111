//! Attempts against receivers on this machine that do what they are told to.

use alert::{
    delivery::{Channel, NotificationId, Reason},
    routing::Webhook,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

fn attempt() -> Attempt {
    Attempt {
        notification: NotificationId::from_u128(7),
        attempt: 1,
        incident: None,
        receiver: "oncall".into(),
        integration: 0,
        channel: Channel::Webhook,
        target: "http://127.0.0.1".into(),
        reason: Reason::Opened,
        subject: "[PAGE] INC-7 payment".into(),
        payload: r#"{"version":"4"}"#.into(),
        queued_at: NOW,
    }
}

fn sender(key: Option<SigningKey>) -> Sender {
    // Whoever runs the use cases chooses the cryptography; a second choice changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    Sender::new(key).unwrap()
}

/// Sends to a server that reads a request and then writes `answer`, `times` over; gives the request too.
async fn exchange(answer: &'static str, times: usize) -> (Sent, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(br#"{"version":"4"}"#) {
            let read = socket.read_buf(&mut request).await.unwrap();
            assert!(read > 0, "the request is cut off");
        }
        for _ in 0..times {
            // A sender that has read enough hangs up.
            if socket.write_all(answer.as_bytes()).await.is_err() {
                break;
            }
        }
        if answer.is_empty() {
            std::future::pending::<()>().await;
        }
        String::from_utf8(request).unwrap()
    });
    let sender = sender(Some(SigningKey::from_bytes(&[7; 32])));
    let to = Integration::Webhook(Webhook {
        url: url.into(),
        send_resolved: true,
        max_alerts: 0,
        timeout: answer.is_empty().then(|| Duration::from_millis(100)),
    });
    let sent = sender.send(&to, &attempt(), NOW).await;
    if answer.is_empty() {
        server.abort();
        return (sent, String::new());
    }
    (sent, server.await.unwrap())
}

async fn check(answer: &'static str, expected: &str) {
    let (sent, _) = exchange(answer, 1).await;
    let text = match sent {
        Sent::Taken { status } => format!("taken {status:?}"),
        Sent::Refused { status, error } => format!("refused {status:?} {error}"),
    };
    assert!(text.contains(expected), "{text}");
}

#[tokio::test]
async fn an_answer_decides_whether_it_was_taken() {
    check("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "taken Some(200)").await;
    check("HTTP/1.1 204 No Content\r\n\r\n", "taken Some(204)").await;
    let failed = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops";
    check(failed, "refused Some(500) the receiver answers 500 Internal Server Error: oops").await;
    check("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", "refused Some(410)").await;
    let moved = "HTTP/1.1 301 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    check(moved, "redirects are not followed").await;
}

#[tokio::test]
async fn a_receiver_that_hangs_is_given_up() {
    check("", "refused None").await;
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end() {
    let answer = "HTTP/1.1 500 No\r\ncontent-length: 100000000\r\n\r\n";
    let (sent, _) = exchange(answer, 20_000).await;
    let Sent::Refused { status: Some(500), error } = sent else { panic!("{sent:?}") };
    assert!(error.len() < 1000, "{} bytes", error.len());
}

#[tokio::test]
async fn a_request_is_signed_as_standard_webhooks_have_it() {
    let (_, request) = exchange("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 1).await;
    let header = |name: &str| {
        let line = request.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {request}")).trim().to_owned()
    };
    let (id, body) = (NotificationId::from_u128(7).to_string(), br#"{"version":"4"}"#);
    assert_eq!(header("webhook-id:"), id);
    assert_eq!(header("webhook-timestamp:"), "1795000000");
    let signature = SigningKey::from_bytes(&[7; 32]).sign(&id, NOW, body);
    assert_eq!(header("webhook-signature:"), signature);
}

#[tokio::test]
async fn an_email_names_its_notification_in_the_message_id() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let smarthost = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let (read, mut write) = socket.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 mail\r\n").await.unwrap();
        let (mut mail, mut in_data) = (String::new(), false);
        while let Ok(Some(line)) = lines.next_line().await {
            mail += &format!("{line}\n");
            let answer: &[u8] = match &*line {
                "." => b"250 taken\r\n",
                "QUIT" => break,
                _ if in_data => continue,
                "DATA" => b"354 go on\r\n",
                _ => b"250 mail\r\n",
            };
            in_data = line == "DATA";
            write.write_all(answer).await.unwrap();
        }
        mail
    });
    let to = Integration::Email(Email {
        to: "ops@example.com, lead@example.com".into(),
        from: "evenkeel@example.com".into(),
        smarthost: smarthost.into(),
        hello: Some("evenkeel.example".into()),
        require_tls: false,
        auth: None,
        send_resolved: true,
    });
    let sent = sender(None).send(&to, &attempt(), NOW).await;
    assert_eq!(sent, Sent::Taken { status: Some(250) });
    let mail = server.await.unwrap();
    let id = format!("Message-ID: <{}@evenkeel>", NotificationId::from_u128(7));
    for expected in [&*id, "Subject: [PAGE] INC-7 payment", "RCPT TO:<lead@example.com>"] {
        assert!(mail.contains(expected), "{expected} is not in {mail}");
    }
}
