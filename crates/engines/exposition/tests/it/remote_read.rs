//! Remote read: requests as clients send them, and answers that a reader of remote write understands.

use exposition::remote_read::{
    ReadQuery, ReadRequest, ResponseKind, SampledResponse, chunked_response, frame, xor_chunk,
};
use model::{Labels, MatchOp, Sample};

/// A field with bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    out.extend_from_slice(bytes);
    out
}

fn request(kinds: &[u8]) -> Vec<u8> {
    let matcher = |kind: u8, name: &str, value: &str| {
        let kind = if kind == 0 { vec![] } else { vec![8, kind] };
        field(3, &[kind, field(2, name.as_bytes()), field(3, value.as_bytes())].concat())
    };
    // Step 15 s, a range of 5 min (300000 ms) and a function.
    let hints = [vec![8, 0x98, 0x75], field(2, b"rate"), vec![56, 0xe0, 0xa7, 0x12]].concat();
    let query = [
        vec![8, 1, 16, 0xe8, 7],
        matcher(0, "__name__", "up"),
        matcher(3, "job", "a|b"),
        field(4, &hints),
    ]
    .concat();
    [field(1, &query), field(2, kinds)].concat()
}

#[test]
fn a_request_says_what_it_wants() {
    let read = ReadRequest::decode(&request(&[1, 0]), 10, 10).unwrap();
    let expected = ReadQuery {
        start_ms: 1,
        end_ms: 1000,
        matchers: vec![
            (MatchOp::Equal, "__name__".into(), "up".into()),
            (MatchOp::NotRegex, "job".into(), "a|b".into()),
        ],
        step_ms: 15_000,
        range_ms: 300_000,
        function: "rate".into(),
    };
    assert_eq!(
        read,
        ReadRequest { queries: vec![expected], kind: ResponseKind::StreamedXorChunks }
    );
    let kind = |kinds| ReadRequest::decode(&request(kinds), 10, 10).unwrap().kind;
    assert_eq!((kind(&[0, 1]), kind(&[])), (ResponseKind::Samples, ResponseKind::Samples));
    assert_eq!(
        ReadRequest::decode(&request(&[]), 10, 1).unwrap_err().to_string(),
        "matchers at byte 25 is 2; at most 1 is allowed"
    );
}

const SAMPLES: [Sample; 2] = [Sample { at_ms: 1, value: 2.0 }, Sample { at_ms: 2, value: 2.5 }];

#[test]
fn a_sampled_answer_has_a_result_for_each_query() {
    let labels = Labels::from_pairs([("__name__", "up")]);
    let mut response = SampledResponse::new();
    response.series(&labels, &SAMPLES, &[]);
    response.end_query();
    response.end_query();
    let body = response.finish();
    // `QueryResult` has its series where a write request has them.
    let mut encoder = exposition::remote_write::EncoderV1::new();
    encoder.series(&labels, &SAMPLES, &[], &[]);
    assert_eq!(body, [field(1, &encoder.finish()), field(1, &[])].concat());
}

#[test]
fn a_streamed_answer_has_chunks_with_their_times() {
    let message = chunked_response(1, &Labels::from_pairs([("a", "b")]), &SAMPLES);
    let chunk = [vec![8, 1, 16, 2, 24, 1], field(4, &xor_chunk(&SAMPLES))].concat();
    let label = field(1, &[field(1, b"a"), field(2, b"b")].concat());
    let series = [label, field(2, &chunk)].concat();
    assert_eq!(message, [field(1, &series), vec![16, 1]].concat());
    assert_eq!(frame(&[7, 8], 0x0102_0304), [2, 1, 2, 3, 4, 7, 8]);
}
