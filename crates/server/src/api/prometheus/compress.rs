//! Answers in gzip for who takes it, piece by piece.

use std::io::Write as _;

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio_stream::StreamExt as _;

/// Shorter answers are sent as they are.
const BYTES_MIN: u64 = 1024;
/// How much is compressed before others get their turn.
const PIECE_BYTES: usize = 64 << 10;

pub(super) async fn gzip(request: Request, next: Next) -> Response {
    let wanted = takes_gzip(request.headers());
    let response = next.run(request).await;
    let small = response.body().size_hint().upper().is_some_and(|upper| upper < BYTES_MIN);
    if !wanted || small || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    Response::from_parts(parts, compressed(body))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let all = headers.get_all(header::ACCEPT_ENCODING).iter();
    let names = all.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    names.into_iter().any(|name| {
        let (name, weight) = name.split_once(';').unwrap_or((name, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

fn compressed(body: Body) -> Body {
    let (to, pieces) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(4);
    tokio::spawn(async move {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let mut body = body;
        while let Some(frame) = body.frame().await {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => {
                    // The reader must not take what came so far for the whole.
                    drop(to.send(Err(std::io::Error::other(error))).await);
                    return;
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            for piece in data.chunks(PIECE_BYTES) {
                if encoder.write_all(piece).is_err() {
                    return;
                }
                let packed = std::mem::take(encoder.get_mut());
                if !packed.is_empty() && to.send(Ok(packed.into())).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
        if let Ok(packed) = encoder.finish() {
            drop(to.send(Ok(packed.into())).await);
        }
    });
    Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(pieces).map(|piece| piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_who_takes_it() {
        let check = |text: &str, expected: bool| {
            let value = HeaderValue::from_str(text).unwrap();
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]);
            assert_eq!(takes_gzip(&headers), expected, "{text}");
        };
        check("gzip", true);
        check("deflate, GZIP;q=0.5", true);
        check("gzip;q=0", false);
        check("br", false);
    }

    #[tokio::test]
    async fn pieces_come_back_as_they_were() {
        let text = "0123456789".repeat(50_000);
        let body = compressed(Body::from(text.clone()));
        let packed = body.collect().await.unwrap().to_bytes();
        let mut read = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*packed), &mut read)
            .unwrap();
        assert!(read == text && packed.len() < text.len() / 10);
    }
}
