//! Writes protobuf messages field by field.

/// A message that grows.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn key(&mut self, field: u32, kind: u32) {
        wal::codec::put_uint(&mut self.0, u64::from(field << 3 | kind));
    }

    pub(super) fn uint(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.key(field, VARINT);
            wal::codec::put_uint(&mut self.0, value);
        }
    }

    /// `int64`
    pub(super) fn int(&mut self, field: u32, value: i64) {
        self.uint(field, value.cast_unsigned());
    }

    /// `sint32` and `sint64`
    pub(super) fn sint(&mut self, field: u32, value: i64) {
        self.uint(field, wal::codec::zigzag(value));
    }

    /// Written even when it is 0: it may be a choice of a `oneof`, and `-0` is not 0.
    pub(super) fn double(&mut self, field: u32, value: f64) {
        self.key(field, FIXED64);
        self.0.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    /// A number of a `oneof`, which is written even when it is 0.
    pub(super) fn chosen_uint(&mut self, field: u32, value: u64) {
        self.key(field, VARINT);
        wal::codec::put_uint(&mut self.0, value);
    }

    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.key(field, BYTES);
        wal::codec::put_bytes(&mut self.0, value);
    }

    pub(super) fn text(&mut self, field: u32, value: &str) {
        if !value.is_empty() {
            self.bytes(field, value.as_bytes());
        }
    }

    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    pub(super) fn packed_uints(&mut self, field: u32, values: impl IntoIterator<Item = u64>) {
        let mut inner = Vec::new();
        values.into_iter().for_each(|value| wal::codec::put_uint(&mut inner, value));
        if !inner.is_empty() {
            self.bytes(field, &inner);
        }
    }

    pub(super) fn packed_doubles(&mut self, field: u32, values: &[f64]) {
        if !values.is_empty() {
            let inner: Vec<u8> =
                values.iter().flat_map(|value| value.to_bits().to_le_bytes()).collect();
            self.bytes(field, &inner);
        }
    }
}
