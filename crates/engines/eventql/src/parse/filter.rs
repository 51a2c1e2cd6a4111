//! Filters: terms, `AND`, `OR`, `NOT` and parentheses.

use super::{Parsed, Parser, scan::ends_word};
use crate::{
    ast::{Expr, ExprKind, Term, Words},
    complete::Expected,
    field::{Field, PREFIXES, in_name, starts_name},
    span::{Fix, Problem, Span},
    wildcard::{Piece, Wildcard},
};

/// The field before a value, or before a group of them.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) field: Field,
    pub(super) span: Span,
    /// Whether `~` asks for words, and not `:` for a value.
    pub(super) words: bool,
}

impl Parser<'_> {
    /// `a b OR c`; inside `field:(…)` the terms are values.
    pub(super) fn any_of(&mut self, group: Option<&Subject>) -> Parsed<Expr> {
        self.enter()?;
        let mut parts = vec![self.all_of(group)?];
        while self.eat_keyword("OR") {
            parts.push(self.all_of(group)?);
        }
        self.leave();
        Ok(join(parts, ExprKind::Or, |kind| match kind {
            ExprKind::Or(parts) => Ok(parts),
            other => Err(other),
        }))
    }

    fn all_of(&mut self, group: Option<&Subject>) -> Parsed<Expr> {
        let mut parts: Vec<Expr> = Vec::new();
        let mut wanted = true;
        loop {
            self.skip_space();
            self.expect_term(group);
            match self.peek() {
                None | Some(')' | '|') => break,
                Some(_) if self.at_keyword("OR") => break,
                Some(_) => {}
            }
            if self.at_keyword("AND") && !wanted {
                wanted = self.eat_keyword("AND");
                continue;
            }
            if self.at_keyword("AND") {
                break;
            }
            parts.push(self.unary(group)?);
            wanted = false;
        }
        if wanted {
            return Err(self.no_term(group));
        }
        Ok(join(parts, ExprKind::And, |kind| match kind {
            ExprKind::And(parts) => Ok(parts),
            other => Err(other),
        }))
    }

    fn expect_term(&mut self, group: Option<&Subject>) {
        self.expect_after(match group {
            Some(group) => Expected::Value(group.field.clone()),
            None => Expected::Term,
        });
    }

    fn no_term(&self, group: Option<&Subject>) -> Problem {
        let what = if group.is_some() { "a value" } else { "a term" };
        let before = self.text.get(..self.at).unwrap_or("").trim_end();
        let after = before.rsplit(|char| ends_word(char) && char != '(').next().unwrap_or("");
        let found = match self.peek() {
            Some(char @ (')' | '|')) => char.to_string(),
            _ => self.rest().split(ends_word).next().unwrap_or("").to_owned(),
        };
        let span = Span::new(self.at, self.at + found.len());
        let after = if after.is_empty() { String::new() } else { format!(" after `{after}`") };
        let found = if found.is_empty() { found } else { format!(", found `{found}`") };
        let problem = Problem::at(span, format!("expected {what}{after}{found}"));
        match self.peek() {
            Some('|') if self.peek_second() == Some('|') => problem.hint("write `OR`"),
            _ => problem.hint("a word such as `AND` that is searched for goes in quotes"),
        }
    }

    fn unary(&mut self, group: Option<&Subject>) -> Parsed<Expr> {
        let start = self.at;
        let minus_of_number = group.is_some()
            && self.peek_second().is_some_and(|char| char.is_ascii_digit() || char == '.');
        let sign = match self.peek() {
            Some('-') if minus_of_number => None,
            sign => sign.filter(|char| matches!(char, '-' | '!')),
        };
        if let Some(sign) = sign {
            self.bump();
            if self.peek().is_none_or(|char| char.is_whitespace() || matches!(char, ')' | '|')) {
                let message = format!("`{sign}` stands before nothing");
                return Err(Problem::at(Span::new(start, self.at), message)
                    .hint(format!("write it next to the term that it excludes: `{sign}term`")));
            }
        } else if !self.eat_keyword("NOT") {
            return self.primary(group);
        }
        self.enter()?;
        self.skip_space();
        self.expect_term(group);
        let ended = matches!(self.peek(), None | Some(')' | '|'));
        if ended || self.at_keyword("OR") || self.at_keyword("AND") {
            return Err(self.no_term(group));
        }
        let inner = self.unary(group)?;
        self.leave();
        Ok(Expr { kind: ExprKind::Not(Box::new(inner)), span: self.span_from(start) })
    }

    fn primary(&mut self, group: Option<&Subject>) -> Parsed<Expr> {
        if self.peek() == Some('(') {
            return self.parenthesised(group);
        }
        if let Some(group) = group {
            return self.value(group.clone());
        }
        if let Some((field, span)) = self.field_before_operator()? {
            return self.term(field, span);
        }
        let expr = self.text_term()?;
        self.count_term(expr.span)?;
        Ok(expr)
    }

    pub(super) fn parenthesised(&mut self, group: Option<&Subject>) -> Parsed<Expr> {
        let open = self.here();
        self.bump();
        let inner = self.any_of(group)?;
        if !self.eat(")") {
            let problem = Problem::at(open, "the parenthesis that opens here is not closed");
            return Err(match self.peek() {
                None => problem,
                Some(_) => problem
                    .hint("a `|` between parentheses goes in quotes; between terms write `OR`"),
            });
        }
        Ok(Expr { span: self.span_from(open.start), ..inner })
    }

    /// A name, if an operator follows it; otherwise nothing is read.
    fn field_before_operator(&mut self) -> Parsed<Option<(Field, Span)>> {
        let start = self.at;
        if let Some((field, span)) = self.name()? {
            let name = self.text.get(start..self.at).unwrap_or("");
            let url = self.rest().starts_with("://") && !name.starts_with('"');
            if self.at_operator() && !url {
                return Ok(Some((field, span)));
            }
        }
        self.at = start;
        Ok(None)
    }

    /// A field's name: `http.route`, `"an odd one"`, `resource."an odd one"`.
    pub(crate) fn name(&mut self) -> Parsed<Option<(Field, Span)>> {
        let start = self.at;
        if self.peek() == Some('"') {
            let (name, span) = self.string()?;
            return Ok(Some((Field::attribute(&name), span)));
        }
        if !self.peek().is_some_and(starts_name) {
            return Ok(None);
        }
        let rest = self.rest();
        self.at += rest.find(|char| !in_name(char)).unwrap_or(rest.len());
        let name = self.text.get(start..self.at).unwrap_or("");
        if self.peek() == Some('"')
            && let Some((_, from)) = PREFIXES.iter().find(|(prefix, _)| *prefix == name)
        {
            let (name, _) = self.string()?;
            let field = Field::Attribute { from: *from, name };
            return Ok(Some((field, self.span_from(start))));
        }
        Ok(Some((Field::named(name), self.span_from(start))))
    }

    /// A bare word or phrase.
    fn text_term(&mut self) -> Parsed<Expr> {
        if matches!(self.peek(), Some('"' | '\'')) {
            let (text, span) = self.string()?;
            return Ok(Expr { kind: ExprKind::Text(Words::Plain(text)), span });
        }
        let operator = self.here();
        if matches!(self.peek(), Some(':' | '=' | '<' | '>' | '~')) {
            let message = format!("expected a field before `{}`", operator.of(self.text));
            return Err(
                Problem::at(operator, message).hint("text with such a character goes in quotes")
            );
        }
        for (wrong, right) in [("&&", "AND"), ("||", "OR")] {
            let span = Span::new(self.at, self.at + wrong.len());
            if self.eat(wrong) {
                let fix = Fix::replace(format!("write `{right}`"), span, right);
                let message = format!("`{wrong}` joins no terms");
                return Err(Problem::at(span, message).hint(format!("write `{right}`")).fix(fix));
            }
        }
        let word = self.word(|_| false)?;
        let span = word.span;
        let kind = match words(word.pieces) {
            Some(words) => ExprKind::Text(words),
            None => ExprKind::All,
        };
        Ok(Expr { kind, span })
    }

    fn term(&mut self, field: Field, span: Span) -> Parsed<Expr> {
        let words = self.eat("~");
        if !words && !self.eat(":") {
            return self.compared(field, span);
        }
        let subject = Subject { field, span, words };
        self.skip_space();
        if self.peek() == Some('(') {
            self.expect_next(Expected::Value(subject.field.clone()));
            let expr = self.parenthesised(Some(&subject))?;
            return Ok(Expr { span: span.to(expr.span), ..expr });
        }
        self.value(subject)
    }

    /// A finished term.
    pub(super) fn finish(&mut self, term: Term) -> Parsed<Expr> {
        let span = term.field_span.to(term.value_span);
        self.count_term(span)?;
        Ok(Expr { kind: ExprKind::Term(term), span })
    }
}

/// The text of a word; `None` for a `*` alone.
pub(super) fn words(pieces: Vec<Piece>) -> Option<Words> {
    let wildcard = Wildcard::new(pieces);
    match wildcard.pieces() {
        [] => Some(Words::Plain("".into())),
        [Piece::Text(text)] => Some(Words::Plain(text.clone())),
        [Piece::Many] => None,
        _ => Some(Words::Like(wildcard)),
    }
}

/// One part as it is, more of them joined; parts that are joined the same way are taken in.
fn join(
    parts: Vec<Expr>,
    joined: impl Fn(Vec<Expr>) -> ExprKind,
    split: impl Fn(ExprKind) -> Result<Vec<Expr>, ExprKind>,
) -> Expr {
    let span = match (parts.first(), parts.last()) {
        (Some(first), Some(last)) => first.span.to(last.span),
        _ => Span::default(),
    };
    let mut flat = Vec::new();
    for Expr { kind, span } in parts {
        match split(kind) {
            Ok(inner) => flat.extend(inner),
            Err(kind) => flat.push(Expr { kind, span }),
        }
    }
    let kind = if flat.len() == 1 { flat.remove(0).kind } else { joined(flat) };
    Expr { kind, span }
}
