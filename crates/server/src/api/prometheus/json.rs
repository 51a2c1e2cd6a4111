//! Writes JSON as Prometheus writes it, without a tree of values in between.

mod number;

use bytes::Bytes;
use model::Labels;
use tokio::sync::mpsc;

use number::go_float;

/// A piece that is sent on its own while the rest is written.
const PIECE_BYTES: usize = 64 << 10;

/// JSON that grows; in memory, or piece by piece to whoever reads.
#[derive(Debug, Default)]
pub(super) struct Out {
    bytes: Vec<u8>,
    to: Option<mpsc::Sender<Bytes>>,
    /// Nobody reads any more.
    gone: bool,
}

impl Out {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Sends what is written in pieces; blocks while the reader is behind.
    pub(super) fn streaming(to: mpsc::Sender<Bytes>) -> Self {
        Self { bytes: Vec::with_capacity(PIECE_BYTES + 1024), to: Some(to), gone: false }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// A place where a piece may end.
    pub(super) fn may_break(&mut self) {
        if self.to.is_some() && self.bytes.len() >= PIECE_BYTES {
            self.flush();
        }
    }

    /// Sends the last piece.
    pub(super) fn flush(&mut self) {
        if let Some(to) = &self.to {
            let fresh = Vec::with_capacity(PIECE_BYTES + 1024);
            let piece = std::mem::replace(&mut self.bytes, fresh);
            if !piece.is_empty() && !self.gone {
                self.gone = to.blocking_send(piece.into()).is_err();
            }
        }
    }

    pub(super) fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn raw_bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A comma before all but the first.
    pub(super) fn comma(&mut self, first: &mut bool) {
        if !std::mem::replace(first, false) {
            self.bytes.push(b',');
        }
    }

    pub(super) fn string(&mut self, text: &str) {
        self.bytes.push(b'"');
        let mut from = 0;
        for (at, byte) in text.bytes().enumerate() {
            let escape: &[u8] = match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                b'\t' => b"\\t",
                0..0x20 | 0x7f => b"",
                _ => continue,
            };
            self.bytes.extend_from_slice(&text.as_bytes()[from..at]);
            if escape.is_empty() {
                self.bytes.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
            } else {
                self.bytes.extend_from_slice(escape);
            }
            from = at + 1;
        }
        self.bytes.extend_from_slice(&text.as_bytes()[from..]);
        self.bytes.push(b'"');
    }

    /// A value in quotes.
    pub(super) fn quoted_number(&mut self, value: f64) {
        self.bytes.push(b'"');
        go_float(&mut self.bytes, value);
        self.bytes.push(b'"');
    }

    /// A plain number.
    pub(super) fn number(&mut self, value: f64) {
        if value.is_finite() { go_float(&mut self.bytes, value) } else { self.raw("null") }
    }

    pub(super) fn int(&mut self, value: i64) {
        if value < 0 {
            self.bytes.push(b'-');
        }
        self.uint(value.unsigned_abs());
    }

    pub(super) fn uint(&mut self, value: u64) {
        number::digits(&mut self.bytes, value);
    }

    pub(super) fn bool(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// Milliseconds as seconds, with three digits where they are not whole.
    pub(super) fn time(&mut self, at_ms: i64) {
        number::seconds(&mut self.bytes, at_ms);
    }

    pub(super) fn labels(&mut self, labels: &Labels) {
        self.pairs(labels.iter());
    }

    pub(super) fn pairs<'a>(&mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) {
        self.raw("{");
        let mut first = true;
        for (name, value) in pairs {
            self.comma(&mut first);
            self.string(name);
            self.raw(":");
            self.string(value);
        }
        self.raw("}");
    }

    pub(super) fn strings<T: AsRef<str>>(&mut self, texts: impl IntoIterator<Item = T>) {
        self.list(texts, |out, text| out.string(text.as_ref()));
    }

    pub(super) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.raw("[");
        let mut first = true;
        for item in items {
            if self.gone {
                return;
            }
            self.comma(&mut first);
            write(self, item);
            self.may_break();
        }
        self.raw("]");
    }

    /// `,"name":` and the value.
    pub(super) fn field(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.raw(",");
        self.string(name);
        self.raw(":");
        write(self);
    }

    /// A field of texts, where there are any.
    pub(super) fn remarks(&mut self, name: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.field(name, |out| out.strings(texts));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Out)) -> String {
        let mut out = Out::new();
        write(&mut out);
        String::from_utf8(out.into_bytes()).unwrap()
    }

    #[test]
    fn strings_are_json_whatever_they_hold() {
        for text in ["", "plain", "a\"b\\c", "\n\t\r\u{1}\u{7f}", "é 😀 \u{2028}"] {
            let json = written(|out| out.string(text));
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text, "{json}");
        }
    }

    #[test]
    fn labels_and_lists() {
        let labels = Labels::from_pairs([("b", "2"), ("__name__", "up")]);
        assert_eq!(written(|out| out.labels(&labels)), r#"{"__name__":"up","b":"2"}"#);
        assert_eq!(written(|out| out.strings(["a", "b"])), r#"["a","b"]"#);
        assert_eq!(written(|out| out.strings::<&str>([])), "[]");
    }
}
