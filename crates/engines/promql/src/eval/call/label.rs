//! `label_replace` and `label_join`.

use model::Labels;
use regex::RegexBuilder;

use super::super::{Column, Context, EvalError};
use crate::{ast::Expr, span::Span};

/// The most that a compiled pattern may take, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

impl Context<'_> {
    pub(super) fn label_replace(
        &mut self,
        args: &[Expr],
        span: Span,
    ) -> Result<Vec<Column>, EvalError> {
        let columns = self.vector(&args[0])?;
        let (target, replacement) = (self.string(&args[1])?, self.string(&args[2])?);
        let (source, pattern) = (self.string(&args[3])?, self.string(&args[4])?);
        let pattern = RegexBuilder::new(&format!("^(?s:{pattern})$"))
            .size_limit(PATTERN_BYTES_MAX)
            .build()
            .map_err(|_| EvalError::Invalid {
                span,
                message: format!("invalid regular expression in label_replace(): {pattern}"),
            })?;
        Ok(relabelled(columns, |labels| {
            let Some(found) = pattern.captures(labels.get(&source).unwrap_or("")) else {
                return labels.clone();
            };
            let mut value = String::new();
            found.expand(&replacement, &mut value);
            with(labels, &target, &value)
        }))
    }

    pub(super) fn label_join(&mut self, args: &[Expr]) -> Result<Vec<Column>, EvalError> {
        let columns = self.vector(&args[0])?;
        let (target, separator) = (self.string(&args[1])?, self.string(&args[2])?);
        let sources =
            args[3..].iter().map(|arg| self.string(arg)).collect::<Result<Vec<_>, _>>()?;
        Ok(relabelled(columns, |labels| {
            let parts: Vec<_> =
                sources.iter().map(|source| labels.get(source).unwrap_or("")).collect();
            with(labels, &target, &parts.join(&separator))
        }))
    }
}

fn relabelled(columns: Vec<Column>, change: impl Fn(&Labels) -> Labels) -> Vec<Column> {
    columns
        .into_iter()
        .map(|column| Column { labels: change(&column.labels), values: column.values })
        .collect()
}

fn with(labels: &Labels, name: &str, value: &str) -> Labels {
    Labels::from_pairs(labels.iter().chain([(name, value)]))
}
