//! The types of parameters, and how they are written in masked text.
//!
//! Masked text is a line's bytes in which a parameter is the byte [`MARK`], which no UTF-8 has, and its kind's letter. A
//! line that holds the characters `<num>` is therefore never taken for one that holds a number.

use std::fmt;

/// What a parameter stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A word that varies.
    Any = b'*',
    Bool = b'b',
    Duration = b'd',
    Email = b'e',
    Hex = b'h',
    /// Letters and digits mixed.
    Id = b'i',
    Ip = b'a',
    /// Several values with commas, or what a collection holds.
    List = b'l',
    /// What is between braces.
    Map = b'm',
    Num = b'n',
    Path = b'p',
    /// All that follows: further lines, or what is beyond the limits.
    Rest = b'r',
    Size = b's',
    /// What is between quotes.
    Str = b'q',
    Time = b't',
    Url = b'u',
    Uuid = b'g',
    Version = b'v',
}

/// Starts a parameter in masked text.
pub(super) const MARK: u8 = 0xff;

impl Kind {
    const ALL: [Self; 18] = [
        Self::Any,
        Self::Bool,
        Self::Duration,
        Self::Email,
        Self::Hex,
        Self::Id,
        Self::Ip,
        Self::List,
        Self::Map,
        Self::Num,
        Self::Path,
        Self::Rest,
        Self::Size,
        Self::Str,
        Self::Time,
        Self::Url,
        Self::Uuid,
        Self::Version,
    ];

    pub(super) fn letter(self) -> u8 {
        self as u8
    }

    pub(super) fn of_letter(letter: u8) -> Self {
        Self::ALL.into_iter().find(|kind| kind.letter() == letter).unwrap_or(Self::Any)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "*",
            Self::Bool => "bool",
            Self::Duration => "duration",
            Self::Email => "email",
            Self::Hex => "hex",
            Self::Id => "id",
            Self::Ip => "ip",
            Self::List => "list",
            Self::Map => "map",
            Self::Num => "num",
            Self::Path => "path",
            Self::Rest => "rest",
            Self::Size => "size",
            Self::Str => "str",
            Self::Time => "time",
            Self::Url => "url",
            Self::Uuid => "uuid",
            Self::Version => "version",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.name())
    }
}
