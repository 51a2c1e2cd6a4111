//! Aggregations: functions, what they are grouped by, and the buckets of time.

use super::{Parsed, Parser};
use crate::{
    ast::{Aggregate, Aggregation, Every, Function, Operator, Quantile},
    complete::{AGGREGATES, Expected},
    field::{Field, RESERVED},
    literal::duration_nanos,
    span::Problem,
};

/// The narrowest bucket of time.
const EVERY_NANOS_MIN: i64 = 1_000_000;

impl Parser<'_> {
    pub(super) fn aggregation(&mut self) -> Parsed<Aggregation> {
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

    pub(super) fn by(&mut self) -> Parsed<Field> {
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

    pub(super) fn function(&mut self) -> Parsed<Function> {
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
}

/// The function of this name that is applied to a field, `quantile` apart.
pub(super) fn operator(name: &str) -> Option<Operator> {
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
