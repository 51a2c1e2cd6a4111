//! Reads a target's input from the front; what is missing reads as 0 or as nothing.

/// What is left of an input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    fn short(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// A piece: its kind, and its bytes, of which there are fewer than `most`.
    pub(crate) fn piece(&mut self, most: u16) -> (u8, &'a [u8]) {
        let kind = self.byte();
        let len = usize::from(self.short() % most);
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        (kind, taken)
    }
}
