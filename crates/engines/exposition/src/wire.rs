//! Protobuf's wire format, walked in place: fields with their bytes, and nothing copied.

/// Why bytes are no protobuf message of the kind that is wanted. Places are bytes from the start of the whole body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("the message ends in the middle of a field at byte {at}")]
    Truncated { at: usize },
    #[error("the number at byte {at} is longer than 10 bytes")]
    Varint { at: usize },
    #[error("the key at byte {at} is of no field")]
    Key { at: usize },
    #[error("field {field} ({name}) at byte {at} has wire type {found}; {wanted} is expected")]
    Type { field: u32, name: &'static str, found: u8, wanted: u8, at: usize },
    #[error("field {field} ({name}) at byte {at} is not UTF-8")]
    Utf8 { field: u32, name: &'static str, at: usize },
    #[error("{what} at byte {at} is {found}; at most {max} is allowed")]
    TooMany { what: &'static str, found: u64, max: u64, at: usize },
    #[error("{what} at byte {at} is {found}; there are {symbols} symbols")]
    Symbol { what: &'static str, found: u64, symbols: usize, at: usize },
    #[error("{what} at byte {at}")]
    Rule { what: &'static str, at: usize },
}

impl WireError {
    pub fn at(&self) -> usize {
        match self {
            Self::Truncated { at }
            | Self::Varint { at }
            | Self::Key { at }
            | Self::Type { at, .. }
            | Self::Utf8 { at, .. }
            | Self::TooMany { at, .. }
            | Self::Symbol { at, .. }
            | Self::Rule { at, .. } => *at,
        }
    }
}

/// The wire types that messages of today have.
pub(crate) const VARINT: u8 = 0;
pub(crate) const FIXED64: u8 = 1;
pub(crate) const BYTES: u8 = 2;
pub(crate) const FIXED32: u8 = 5;

/// A field's number and what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
    /// Where the value begins.
    pub(crate) at: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
}

/// Reads the fields of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Where the message ends in the whole body.
    end: usize,
}

impl<'a> Reader<'a> {
    /// `at`: where `message` begins in the whole body.
    #[inline]
    pub(crate) fn new(message: &'a [u8], at: usize) -> Self {
        Self { rest: message, end: at + message.len() }
    }

    /// Where the next byte is.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.end - self.rest.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next field; `None` at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Field<'a>>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key_at = self.at();
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| WireError::Key { at: key_at })?;
        if number == 0 {
            return Err(WireError::Key { at: key_at });
        }
        let mut at = self.at();
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(self.fixed64()?),
            2 => {
                let bytes = self.delimited()?;
                at = self.at() - bytes.len();
                Value::Bytes(bytes)
            }
            5 => {
                self.take::<4>()?;
                Value::Fixed32
            }
            _ => return Err(WireError::Key { at: key_at }),
        };
        Ok(Some(Field { number, value, at }))
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, WireError> {
        match self.rest {
            [first, rest @ ..] if *first < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*first))
            }
            [first, second, rest @ ..] if *second < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*first & 0x7f) | u64::from(*second) << 7)
            }
            _ => self.long_varint(),
        }
    }

    #[inline]
    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for (count, byte) in self.rest.iter().enumerate().take(10) {
            value |= u64::from(*byte & 0x7f) << (7 * count);
            if *byte < 0x80 {
                self.rest = self.rest.get(count + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        if self.rest.len() < 10 {
            Err(WireError::Truncated { at: self.at() })
        } else {
            Err(WireError::Varint { at: self.at() })
        }
    }

    /// Where the message ends.
    #[inline]
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// Skips a field when its key is `key`, of one byte and with bytes after their length.
    #[inline]
    pub(crate) fn skip_delimited(&mut self, key: u8) -> Result<bool, WireError> {
        match self.rest {
            // Nearly all are shorter than 128 bytes.
            [first, len, ..] if *first == key && *len < 0x80 => {
                let next = 2 + usize::from(*len);
                self.rest = self.rest.get(next..).ok_or(WireError::Truncated { at: self.at() })?;
                Ok(true)
            }
            [first, rest @ ..] if *first == key => {
                self.rest = rest;
                self.delimited()?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Bytes after their length.
    #[inline]
    pub(crate) fn delimited(&mut self) -> Result<&'a [u8], WireError> {
        let at = self.at();
        let len = self.varint()?;
        let split = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        let (bytes, rest) = split.ok_or(WireError::Truncated { at })?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn fixed64(&mut self) -> Result<u64, WireError> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (bytes, rest) =
            self.rest.split_first_chunk().ok_or(WireError::Truncated { at: self.at() })?;
        self.rest = rest;
        Ok(*bytes)
    }
}

impl<'a> Field<'a> {
    #[cold]
    fn wrong(&self, name: &'static str, wanted: u8) -> WireError {
        let found = match self.value {
            Value::Varint(_) => VARINT,
            Value::Fixed64(_) => FIXED64,
            Value::Bytes(_) => BYTES,
            Value::Fixed32 => FIXED32,
        };
        WireError::Type { field: self.number, name, found, wanted, at: self.at }
    }

    #[inline]
    pub(crate) fn bytes(&self, name: &'static str) -> Result<&'a [u8], WireError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.wrong(name, BYTES)),
        }
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<&'a str, WireError> {
        let bytes = self.bytes(name)?;
        std::str::from_utf8(bytes).map_err(|error| WireError::Utf8 {
            field: self.number,
            name,
            at: self.at + error.valid_up_to(),
        })
    }

    /// The fields of a message within.
    #[inline]
    pub(crate) fn message(&self, name: &'static str) -> Result<Reader<'a>, WireError> {
        Ok(Reader::new(self.bytes(name)?, self.at))
    }

    #[inline]
    pub(crate) fn uint(&self, name: &'static str) -> Result<u64, WireError> {
        match self.value {
            Value::Varint(value) => Ok(value),
            _ => Err(self.wrong(name, VARINT)),
        }
    }

    /// An `int64`.
    #[inline]
    pub(crate) fn int(&self, name: &'static str) -> Result<i64, WireError> {
        Ok(self.uint(name)?.cast_signed())
    }

    /// A `uint32`; what does not fit is cut off, as protobuf says.
    pub(crate) fn uint32(&self, name: &'static str) -> Result<u32, WireError> {
        self.uint(name).map(low32)
    }

    /// A `sint32`.
    pub(crate) fn sint32(&self, name: &'static str) -> Result<i32, WireError> {
        let raw = low32(self.uint(name)?);
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    #[inline]
    pub(crate) fn double(&self, name: &'static str) -> Result<f64, WireError> {
        match self.value {
            Value::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(self.wrong(name, FIXED64)),
        }
    }

    /// Calls `each` with the numbers of a repeated number, packed or not.
    pub(crate) fn uints(
        &self,
        name: &'static str,
        mut each: impl FnMut(u64),
    ) -> Result<(), WireError> {
        match self.value {
            Value::Varint(value) => each(value),
            Value::Bytes(bytes) => {
                let mut packed = Reader::new(bytes, self.at);
                while !packed.is_empty() {
                    each(packed.varint()?);
                }
            }
            _ => return Err(self.wrong(name, BYTES)),
        }
        Ok(())
    }

    /// As [`Field::uints`], for doubles.
    pub(crate) fn doubles(
        &self,
        name: &'static str,
        mut each: impl FnMut(f64),
    ) -> Result<(), WireError> {
        match self.value {
            Value::Fixed64(bits) => each(f64::from_bits(bits)),
            Value::Bytes(bytes) => {
                let mut packed = Reader::new(bytes, self.at);
                while !packed.is_empty() {
                    each(f64::from_bits(packed.fixed64()?));
                }
            }
            _ => return Err(self.wrong(name, BYTES)),
        }
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "protobuf cuts numbers of 32 bits so")]
fn low32(value: u64) -> u32 {
    value as u32
}

/// A `sint64` from its zigzag form.
pub(crate) fn zigzag(raw: u64) -> i64 {
    (raw >> 1).cast_signed() ^ -(raw & 1).cast_signed()
}

/// Appends protobuf messages.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
            value >>= 7;
        }
        self.bytes.push(u8::try_from(value).unwrap_or_default());
    }

    fn key(&mut self, field: u32, kind: u8) {
        self.varint(u64::from(field) << 3 | u64::from(kind));
    }

    /// Left out when 0, as proto3 has it.
    pub(crate) fn uint(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.key(field, VARINT);
            self.varint(value);
        }
    }

    pub(crate) fn int(&mut self, field: u32, value: i64) {
        self.uint(field, value.cast_unsigned());
    }

    pub(crate) fn sint(&mut self, field: u32, value: i64) {
        self.uint(field, unzigzag(value));
    }

    pub(crate) fn double(&mut self, field: u32, value: f64) {
        if value.to_bits() != 0 {
            self.double_always(field, value);
        }
    }

    /// Also when it is 0: a member of a `oneof`.
    pub(crate) fn double_always(&mut self, field: u32, value: f64) {
        self.key(field, FIXED64);
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    /// Also when it is 0: a member of a `oneof`.
    pub(crate) fn uint_always(&mut self, field: u32, value: u64) {
        self.key(field, VARINT);
        self.varint(value);
    }

    pub(crate) fn text(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.data(field, text.as_bytes());
        }
    }

    /// Also when it is empty: an element of a list.
    pub(crate) fn data(&mut self, field: u32, bytes: &[u8]) {
        self.key(field, BYTES);
        self.varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// A message within, which `fill` writes.
    pub(crate) fn message(&mut self, field: u32, fill: impl FnOnce(&mut Self)) {
        self.key(field, BYTES);
        self.delimited(fill);
    }

    /// A message after its length.
    pub(crate) fn delimited(&mut self, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        fill(self);
        let mut length = Self::default();
        length.varint((self.bytes.len() - start) as u64);
        self.bytes.splice(start..start, length.bytes);
    }

    pub(crate) fn packed_uints(&mut self, field: u32, values: impl IntoIterator<Item = u64>) {
        let mut inner = Self::default();
        values.into_iter().for_each(|value| inner.varint(value));
        if !inner.bytes.is_empty() {
            self.data(field, &inner.bytes);
        }
    }

    pub(crate) fn packed_doubles(&mut self, field: u32, values: &[f64]) {
        if !values.is_empty() {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_bits().to_le_bytes()).collect();
            self.data(field, &bytes);
        }
    }
}

/// The zigzag form of a `sint64`.
pub(crate) fn unzigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut writer = Writer::default();
        writer.uint(1, 300);
        writer.sint(2, -5);
        writer.double(3, 1.5);
        writer.message(4, |inner| inner.text(1, "é"));
        writer.packed_uints(5, [1, 1 << 40, u64::MAX]);
        let mut reader = Reader::new(&writer.bytes, 0);
        let mut seen = Vec::new();
        while let Some(field) = reader.next().unwrap() {
            match field.number {
                1 => assert_eq!(field.uint("a"), Ok(300)),
                2 => assert_eq!(field.sint32("a"), Ok(-5)),
                3 => assert_eq!(field.double("a"), Ok(1.5)),
                4 => {
                    let inner = field.message("a").unwrap().next().unwrap().unwrap();
                    assert_eq!(inner.text("a"), Ok("é"));
                }
                _ => field.uints("a", |value| seen.push(value)).unwrap(),
            }
        }
        assert_eq!(seen, [1, 1 << 40, u64::MAX]);
    }

    #[test]
    fn faults_have_a_place() {
        let fault = |bytes: &[u8]| Reader::new(bytes, 100).next().unwrap_err().to_string();
        assert_eq!(fault(&[0x0a, 5, 1]), "the message ends in the middle of a field at byte 101");
        assert_eq!(fault(&[0xff; 12]), "the number at byte 100 is longer than 10 bytes");
        assert_eq!(fault(&[0x00, 1]), "the key at byte 100 is of no field");
        let mut reader = Reader::new(&[0x08, 1], 0);
        let field = reader.next().unwrap().unwrap();
        assert_eq!(
            field.text("name").unwrap_err().to_string(),
            "field 1 (name) at byte 1 has wire type 0; 2 is expected"
        );
    }
}
