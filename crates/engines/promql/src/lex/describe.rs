//! Tokens as error messages name them.

use super::{Keyword, Kind, Token};
use crate::quote::Quoted;

/// The longest text of a number or a string that is shown, in characters.
const SHOWN_MAX: usize = 10;

impl Token {
    /// `identifier "x"`, `<op:+>`, `end of input`: what was not expected, in Prometheus' words.
    pub(crate) fn describe(self, text: &str) -> String {
        let text = text.get(self.span.start..self.span.end).unwrap_or("");
        match self.kind {
            Kind::End => "end of input".to_owned(),
            Kind::Error => "error".to_owned(),
            Kind::Identifier => format!("identifier {}", Quoted(text)),
            Kind::MetricIdentifier => format!("metric identifier {}", Quoted(text)),
            Kind::Number => format!("number {}", shortened(text)),
            Kind::Duration => format!("duration {}", shortened(text)),
            Kind::String => format!("string {}", shortened(text)),
            Kind::Op(_) | Kind::At | Kind::EqualRegex | Kind::NotEqualRegex => {
                format!("<op:{text}>")
            }
            Kind::Aggregate(_) => format!("<aggr:{text}>"),
            Kind::Keyword(
                Keyword::Start
                | Keyword::End
                | Keyword::Step
                | Keyword::Range
                | Keyword::MinOf
                | Keyword::MaxOf,
            )
            | Kind::LeftParen
            | Kind::RightParen
            | Kind::LeftBrace
            | Kind::RightBrace
            | Kind::LeftBracket
            | Kind::RightBracket
            | Kind::Comma
            | Kind::Colon
            | Kind::Equal => Quoted(text).to_string(),
            Kind::Keyword(_) => format!("<{text}>"),
        }
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= SHOWN_MAX {
        return Quoted(text).to_string();
    }
    let short: String = text.chars().take(SHOWN_MAX).collect();
    format!("{}...", Quoted(&short))
}
