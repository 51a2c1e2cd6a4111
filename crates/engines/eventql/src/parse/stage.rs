//! Stages: what follows a `|`.

use super::{ITEMS_MAX, LIMIT_MAX, Parsed, Parser, scan::ends_word};
use crate::{
    ast::{
        Aggregate, Aggregation, Column, ColumnName, Condition, Every, Function, Operator, Quantile,
        SortKey, Stage, StageKind,
    },
    complete::{AGGREGATES, Expected, STAGES},
    field::{Field, RESERVED, in_name},
    literal::duration_nanos,
    span::{Fix, Problem, Span},
};

/// The narrowest bucket of time.
const EVERY_NANOS_MIN: i64 = 1_000_000;

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
    fn ident(&mut self) -> &'t str {
        let start = self.at;
        let rest = self.rest();
        let ends = |char: char| !char.is_alphanumeric() && !matches!(char, '_' | '.');
        self.at += rest.find(ends).unwrap_or(rest.len());
        self.text.get(start..self.at).unwrap_or("")
    }

    /// Whether one of the words that join parts of a stage stands here, in any case.
    fn eat_word(&mut self, word: &str) -> bool {
        let start = self.at;
        let found = self.ident().eq_ignore_ascii_case(word)
            && self.peek().is_none_or(|char| !in_name(char));
        if !found {
            self.at = start;
        }
        found
    }

    fn list<T>(&mut self, item: fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
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

    fn aggregation(&mut self) -> Parsed<Aggregation> {
        let aggregates = self.list(Self::aggregate)?;
        self.columns = aggregates.iter().map(Aggregate::column).collect();
        let mut by = Vec::new();
        if self.eat_word("by") {
            by = self.list(Self::by)?;
            self.expect_after(Expected::Keyword(&["every"]));
        }
        let every = if self.eat_word("every") { Some(self.every()?) } else { None };
        Ok(Aggregation { aggregates, by, every })
    }

    fn by(&mut self) -> Parsed<Field> {
        self.expect_next(Expected::Field);
        let start = self.at;
        if let Some((field, span)) = self.name()? {
            let word = span.of(self.text);
            if !RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word)) {
                return Ok(field);
            }
        }
        self.at = start;
        let problem = Problem::at(self.here(), "expected a field");
        Err(problem.hint("a field whose name has other characters or is a word of the language goes in double quotes"))
    }

    fn every(&mut self) -> Parsed<Every> {
        self.skip_space();
        self.expect_next(Expected::Keyword(&["auto", "1m", "5m", "1h"]));
        let span = self.bare_span();
        let text = span.of(self.text);
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Every::Auto);
        }
        match duration_nanos(text) {
            Some(nanos) if nanos >= EVERY_NANOS_MIN => Ok(Every::Nanoseconds(nanos)),
            Some(_) => Err(Problem::at(span, "a bucket of time is at least 1ms wide")),
            None => {
                Err(Problem::at(span, format!("expected a duration after `every`, found `{text}`"))
                    .hint("write a duration such as `1m`, or `auto`"))
            }
        }
    }

    /// The run up to a space, a comma or what ends a word, which is taken.
    fn bare_span(&mut self) -> Span {
        let start = self.at;
        let rest = self.rest();
        self.at += rest.find(|char| ends_word(char) || char == ',').unwrap_or(rest.len());
        self.span_from(start)
    }

    fn aggregate(&mut self) -> Parsed<Aggregate> {
        self.expect_next(Expected::Aggregate);
        let start = self.at;
        let function = self.function()?;
        let end = self.at;
        self.skip_space();
        self.expect_after(Expected::Keyword(&["as", "by", "every"]));
        let alias = if self.eat_word("as") {
            self.skip_space();
            let name_start = self.at;
            let name = self.ident().to_owned();
            let span = self.span_from(name_start);
            let reserved = RESERVED.iter().any(|word| word.eq_ignore_ascii_case(&name));
            if reserved || !name.starts_with(|char: char| char.is_alphabetic() || char == '_') {
                return Err(Problem::at(span, "expected a name after `as`")
                    .hint("a name begins with a letter and has letters, digits, `_` and `.`"));
            }
            Some(name.into())
        } else {
            self.at = end;
            None
        };
        Ok(Aggregate { function, alias, span: self.span_from(start) })
    }

    fn function(&mut self) -> Parsed<Function> {
        let start = self.at;
        let name = self.ident().to_ascii_lowercase();
        let span = self.span_from(start);
        self.skip_space();
        let open = self.here();
        let arguments = self.eat("(");
        if !arguments {
            self.at = span.end;
        }
        let simple = match name.as_str() {
            "count" => Some(Function::Count),
            "rate" => Some(Function::Rate),
            _ => None,
        };
        if arguments {
            self.skip_space();
        }
        match simple {
            Some(simple) if !arguments || self.eat(")") => return Ok(simple),
            Some(Function::Rate) => {
                return Err(Problem::at(
                    open,
                    "`rate` takes no field: it is the number of records per second",
                ));
            }
            _ => {}
        }
        let quantile = name == "quantile";
        let Some(mut operator) = operator(&name).or(quantile.then_some(Operator::Count)) else {
            let problem = Problem::at(span, format!("unknown aggregate `{}`", span.of(self.text)));
            let known = AGGREGATES.iter().map(|word| word.name);
            let list = known.clone().collect::<Vec<_>>().join(", ");
            return Err(problem.hint(format!("aggregates are {list}")).nearest(&name, known));
        };
        if !arguments {
            let example = if quantile {
                "quantile(0.95, duration)".to_owned()
            } else {
                format!("{name}(duration)")
            };
            return Err(Problem::at(span, format!("`{name}` needs a field"))
                .hint(format!("as in `{example}`")));
        }
        if quantile {
            operator = Operator::Quantile(self.quantile()?);
        }
        let field = self.by()?;
        self.skip_space();
        if !self.eat(")") {
            return Err(Problem::at(open, "the parenthesis that opens here is not closed"));
        }
        Ok(Function::Of(operator, field))
    }

    /// `0.95, `
    fn quantile(&mut self) -> Parsed<Quantile> {
        let span = self.bare_span();
        let quantile = millionths(span.of(self.text), 6).ok_or_else(|| {
            Problem::at(span, "a quantile is a number from 0 to 1 with at most six digits")
                .hint("as in `quantile(0.95, duration)`")
        })?;
        self.skip_space();
        if !self.eat(",") {
            return Err(Problem::at(self.here(), "expected `,` and a field after the quantile")
                .hint("as in `quantile(0.95, duration)`"));
        }
        self.skip_space();
        Ok(quantile)
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

/// The function of this name that is applied to a field, `quantile` apart.
fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "count" => Operator::Count,
        "uniq" => Operator::Uniq,
        "sum" => Operator::Sum,
        "avg" => Operator::Avg,
        "min" => Operator::Min,
        "max" => Operator::Max,
        _ => Operator::Quantile(millionths(name.strip_prefix('p')?, 4)?),
    })
}

/// A decimal number, of at most so many digits behind the point, as what of a million it is when one is `10^digits`.
fn millionths(text: &str, digits: usize) -> Option<Quantile> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let numeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = whole.len() <= 3 && fraction.len() <= digits && numeric(whole) && numeric(fraction);
    if !fits || whole.is_empty() {
        return None;
    }
    let millionths: u32 = format!("{whole}{fraction:0<digits$}").parse().ok()?;
    (millionths <= 1_000_000).then_some(Quantile { millionths })
}

/// The names of the columns that an aggregation gives, in their order.
pub(crate) fn columns(aggregation: &Aggregation) -> Vec<String> {
    let bucket = aggregation.every.map(|_| "time".to_owned());
    let by = aggregation.by.iter().map(Field::to_string);
    let aggregates = aggregation.aggregates.iter().map(Aggregate::column);
    bucket.into_iter().chain(by).chain(aggregates).collect()
}
