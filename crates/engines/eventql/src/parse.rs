//! Text to tree.
//!
//! There is no list of tokens: what a character means depends on where it stands (a `:` is part of a value and ends a
//! name), so each rule of the grammar reads the characters itself. The same rules say what could stand at the end of a
//! text that is not finished, for completion.

mod aggregate;
mod filter;
mod scan;
mod stage;
mod value;

pub(crate) use aggregate::columns;

use crate::{
    ast::{Expr, ExprKind, Query},
    complete::{Expected, Slot},
    field::Field,
    span::{Error, Problem, Span},
};

/// The longest query, in bytes.
pub const QUERY_BYTES_MAX: usize = 64 << 10;
/// How deep parentheses and negations may nest.
pub const DEPTH_MAX: usize = 100;
/// How many terms a filter may have; a value of a group is one.
pub const TERMS_MAX: usize = 1_000;
/// How many items a list of a stage may have, and how many stages a query.
pub const ITEMS_MAX: usize = 32;
/// The most records or groups that a query may ask for.
pub const LIMIT_MAX: u32 = 10_000;

/// The tree of a query.
///
/// # Errors
/// The first place where the text does not follow the grammar, or goes beyond a limit.
pub fn parse(text: &str) -> Result<Query, Error> {
    Parser::new(text).query().map_err(|problem| Error::new(text, problem))
}

/// What could stand at the end of `text`, and where that begins.
pub(crate) fn slot(text: &str) -> Option<Slot> {
    let mut parser = Parser { completing: true, ..Parser::new(text) };
    // What is wrong in an unfinished text is no news.
    parser.query().ok();
    parser.slot
}

pub(crate) type Parsed<T> = Result<T, Problem>;

pub(crate) struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    terms: usize,
    completing: bool,
    /// The last place where something new could begin.
    slot: Option<Slot>,
    /// The columns of the aggregation that was read.
    columns: Vec<String>,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0, depth: 0, terms: 0, completing: false, slot: None, columns: Vec::new() }
    }

    fn query(&mut self) -> Parsed<Query> {
        if self.text.len() > QUERY_BYTES_MAX {
            let message = format!(
                "the query has {} bytes; at most {QUERY_BYTES_MAX} are read",
                self.text.len()
            );
            return Err(Problem::at(Span::default(), message));
        }
        self.skip_space();
        self.expect_next(Expected::Term);
        let filter = match self.peek() {
            None | Some('|') => Expr { kind: ExprKind::All, span: self.here() },
            Some(_) => self.any_of(None)?,
        };
        let stages = self.stages()?;
        Ok(Query { filter, stages })
    }

    /// Notes what could begin here.
    fn expect_next(&mut self, expected: Expected) {
        if self.completing {
            self.slot = Some(Slot { start: self.at, expected });
        }
    }

    /// Notes what could begin here behind a finished piece, which goes on as long as nothing separates it.
    fn expect_after(&mut self, expected: Expected) {
        let before = self.text.get(..self.at).and_then(|before| before.chars().next_back());
        if before.is_none_or(|char| char.is_whitespace() || "(,|-!".contains(char)) {
            self.expect_next(expected);
        }
    }

    /// Goes one level deeper; [`leave`](Self::leave) comes back.
    fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("parentheses and negations nest deeper than {DEPTH_MAX} levels");
            return Err(Problem::at(self.here(), message));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn count_term(&mut self, span: Span) -> Parsed<()> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            let message = format!("the filter has more than {TERMS_MAX} terms");
            return Err(Problem::at(span, message));
        }
        Ok(())
    }
}

/// The field of a name that stands alone, such as a column's; `None` when it is none.
pub(crate) fn field(text: &str) -> Option<Field> {
    let mut parser = Parser::new(text);
    let (field, span) = parser.name().ok()??;
    (span == Span::new(0, text.len())).then_some(field)
}
