//! Text that must not be seen, or the file that holds it.

use std::fmt;

/// A password or token; neither `Debug` nor an error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// What is shown in its place, as Prometheus does.
    pub const MASK: &'static str = "<secret>";

    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// For the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::MASK)
    }
}

/// Text that is given or stands in a file, which is read anew whenever it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    Inline(Secret),
    /// An absolute path, or one from the working directory.
    File(Box<str>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_not_print_itself() {
        let text = format!("{:?}", Material::Inline(Secret::new("s3cret")));
        assert_eq!(text, "Inline(<secret>)");
    }
}
