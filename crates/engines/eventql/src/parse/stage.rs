//! Stages: what follows a `|`.

use super::{
    ITEMS_MAX, LIMIT_MAX, Parsed, Parser,
    aggregate::{columns, operator},
    scan::ends_word,
};
use crate::{
    ast::{Column, ColumnName, Condition, SortKey, Stage, StageKind},
    complete::{AGGREGATES, Expected, STAGES},
    field::in_name,
    span::{Fix, Problem, Span},
};

impl<'t> Parser<'t> {
    pub(super) fn stages(&mut self) -> Parsed<Vec<Stage>> {
        let mut stages = Vec::new();
        loop {
            self.skip_space();
            let bar = self.here();
            match self.bump() {
                None => return Ok(stages),
                Some('|') if stages.len() < ITEMS_MAX => {}
                Some('|') => {
                    let message = format!("the query has more than {ITEMS_MAX} stages");
                    return Err(Problem::at(bar, message));
                }
                Some(')') => return Err(Problem::at(bar, "this parenthesis closes nothing")),
                Some(_) => {
                    let rest = self.text.get(bar.start..).unwrap_or("");
                    let word = rest.split(ends_word).next().unwrap_or(rest);
                    let span =
                        Span::new(bar.start, bar.start + word.len().max(bar.end - bar.start));
                    let message =
                        format!("expected `|` or the end, found `{}`", span.of(self.text));
                    return Err(Problem::at(span, message));
                }
            }
            if self.peek() == Some('|') {
                let span = Span::new(bar.start, self.at + 1);
                let fix = Fix::replace("write `OR`", span, "OR");
                return Err(Problem::at(span, "`||` joins no terms").hint("write `OR`").fix(fix));
            }
            match self.stage() {
                Ok(stage) => stages.push(stage),
                // An unfinished text is completed behind a stage that is wrong, too.
                Err(_) if self.completing && self.rest().contains('|') => {
                    self.at += self.rest().find('|').unwrap_or(0);
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    fn stage(&mut self) -> Parsed<Stage> {
        self.skip_space();
        self.expect_next(Expected::Stage);
        let start = self.at;
        let name = self.ident().to_ascii_lowercase();
        let kind = match name.as_str() {
            "top" => self.top()?,
            "where" => self.conditions()?,
            "sort" => StageKind::Sort(self.list(Self::sort_key)?),
            "limit" => StageKind::Limit(self.limit()?),
            "fields" => StageKind::Fields(self.list(Self::column)?),
            "patterns" => StageKind::Patterns,
            _ if operator(&name).is_some()
                || matches!(name.as_str(), "count" | "rate" | "quantile") =>
            {
                self.at = start;
                StageKind::Aggregate(self.aggregation()?)
            }
            _ => {
                let problem = Problem::at(self.span_from(start), "expected a stage after `|`");
                let known = STAGES.iter().chain(&AGGREGATES).map(|word| word.name);
                let list = known.clone().collect::<Vec<_>>().join(", ");
                let problem = problem.hint(format!("stages are {list}"));
                if name.is_empty() {
                    return Err(problem);
                }
                let message = format!("unknown stage `{}`", self.span_from(start).of(self.text));
                return Err(Problem { message, ..problem }.nearest(&name, known));
            }
        };
        let end = self.at;
        self.skip_space();
        match &kind {
            StageKind::Aggregate(aggregation) => self.columns = columns(aggregation),
            StageKind::Top { by, .. } => self.columns = vec![by.to_string(), "count".to_owned()],
            _ => {}
        }
        Ok(Stage { kind, span: Span::new(start, end) })
    }

    /// A word of letters, digits, `_` and `.`; may be empty.
    pub(super) fn ident(&mut self) -> &'t str {
        let start = self.at;
        let rest = self.rest();
        let ends = |char: char| !char.is_alphanumeric() && !matches!(char, '_' | '.');
        self.at += rest.find(ends).unwrap_or(rest.len());
        self.text.get(start..self.at).unwrap_or("")
    }

    /// Whether one of the words that join parts of a stage stands here, in any case.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let start = self.at;
        let found = self.ident().eq_ignore_ascii_case(word)
            && self.peek().is_none_or(|char| !in_name(char));
        if !found {
            self.at = start;
        }
        found
    }

    pub(super) fn list<T>(&mut self, item: fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if items.len() == ITEMS_MAX {
                let message = format!("the list has more than {ITEMS_MAX} items");
                return Err(Problem::at(self.here(), message));
            }
            items.push(item(self)?);
            self.skip_space();
            if !self.eat(",") {
                return Ok(items);
            }
        }
    }

    /// The run up to a space, a comma or what ends a word, which is taken.
    pub(super) fn bare_span(&mut self) -> Span {
        let start = self.at;
        let rest = self.rest();
        self.at += rest.find(|char| ends_word(char) || char == ',').unwrap_or(rest.len());
        self.span_from(start)
    }

    fn top(&mut self) -> Parsed<StageKind> {
        let limit = self.limit()?;
        self.skip_space();
        self.expect_after(Expected::Keyword(&["by"]));
        if !self.eat_word("by") {
            return Err(Problem::at(self.here(), "expected `by` and a field")
                .hint("as in `top 10 by service`"));
        }
        self.skip_space();
        Ok(StageKind::Top { limit, by: self.by()? })
    }

    fn limit(&mut self) -> Parsed<u32> {
        self.skip_space();
        self.expect_next(Expected::Keyword(&["10", "50", "100"]));
        let span = self.bare_span();
        let limit = span.of(self.text).parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
        limit.ok_or_else(|| {
            Problem::at(span, format!("expected a whole number from 1 to {LIMIT_MAX}"))
        })
    }

    fn sort_key(&mut self) -> Parsed<SortKey> {
        let descending = self.eat("-");
        let column = self.column()?;
        let end = self.at;
        self.skip_space();
        let start = self.at;
        if self.eat_word("desc") || self.eat_word("asc") {
            let span = self.span_from(start);
            let text = column.span.of(self.text);
            return Err(Problem::at(
                span,
                format!("expected `,` or the end, found `{}`", span.of(self.text)),
            )
            .hint(format!("`-{text}` has the largest first, `{text}` the smallest")));
        }
        self.at = end;
        Ok(SortKey { column, descending })
    }

    fn column(&mut self) -> Parsed<Column> {
        let expected = if self.columns.is_empty() {
            Expected::Field
        } else {
            Expected::Column(self.columns.clone())
        };
        self.expect_next(expected);
        let start = self.at;
        let called = !self.ident().is_empty() && self.peek() == Some('(');
        self.at = start;
        let name = if called {
            ColumnName::Function(self.function()?)
        } else if self.name()?.is_some() {
            ColumnName::Name(self.span_from(start).of(self.text).into())
        } else {
            return Err(Problem::at(self.here(), "expected a column"));
        };
        Ok(Column { name, span: self.span_from(start) })
    }

    fn conditions(&mut self) -> Parsed<StageKind> {
        let mut conditions = Vec::new();
        loop {
            self.skip_space();
            conditions.push(self.condition()?);
            if conditions.len() > ITEMS_MAX {
                let message = format!("`where` has more than {ITEMS_MAX} comparisons");
                return Err(Problem::at(self.here(), message));
            }
            self.skip_space();
            self.expect_after(Expected::Keyword(&["AND"]));
            if self.eat_word("or") {
                let span = Span::new(self.at - 2, self.at);
                return Err(Problem::at(span, "`where` joins comparisons by `AND` alone"));
            }
            if !self.eat_word("and") {
                return Ok(StageKind::Where(conditions));
            }
        }
    }

    fn condition(&mut self) -> Parsed<Condition> {
        let column = self.column()?;
        self.skip_space();
        self.expect_after(Expected::Keyword(&[">", ">=", "<", "<=", "=", "!="]));
        let Some(comparison) = self.comparison() else {
            let text = column.span.of(self.text);
            return Err(Problem::at(self.here(), format!("expected a comparison after `{text}`"))
                .hint("as in `where count > 5`"));
        };
        self.skip_space();
        if self.peek().is_none_or(|char| ends_word(char) && char != '"') {
            return Err(Problem::at(
                self.here(),
                format!("expected a value after `{}`", comparison.as_str()),
            ));
        }
        let (value, value_span) = self.literal(|_| false)?;
        Ok(Condition { column, comparison, value, value_span })
    }
}
