//! `label_replace` and `label_join`.

use std::collections::HashMap;

use model::Labels;
use regex::RegexBuilder;

use super::text;
use crate::{
    ast::Expr,
    eval::{
        Context, EvalError, SameLabels,
        aggregate::values::with,
        item::{Id, Items},
        pipeline::unwrapped,
        same_labels,
    },
    span::Span,
};

/// The most that a compiled pattern may take, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

impl<'s> Context<'s> {
    pub(super) fn label_replace(
        &mut self,
        args: &[Expr],
        span: Span,
    ) -> Result<Items<'s>, EvalError> {
        let (target, replacement) = (text(args, 1), text(args, 2));
        let (source, pattern) = (text(args, 3), text(args, 4));
        let invalid = |message: String| EvalError::invalid(span, message);
        let regex = RegexBuilder::new(&format!("^(?s:{pattern})$"))
            .size_limit(PATTERN_BYTES_MAX)
            .build()
            .map_err(|_| {
                invalid(format!("invalid regular expression in label_replace(): {pattern}"))
            })?;
        check(target, "destination", "label_replace", span)?;
        let items = self.first(args)?;
        let budget = self.budget;
        // Series have few values of a label; each is matched once.
        let mut replaced: HashMap<String, Option<String>> = HashMap::new();
        self.relabelled(items, target, span, |id| {
            let value = id.get(source);
            if let Some(known) = replaced.get(&value) {
                return Ok(known.clone());
            }
            // What is taken over is at most the whole value, each time.
            budget.hold(replacement.len() + replacement.matches('$').count() * value.len())?;
            let new = regex.captures(&value).map(|found| {
                let mut new = String::new();
                found.expand(replacement, &mut new);
                new
            });
            replaced.insert(value, new.clone());
            Ok(new)
        })
    }

    pub(super) fn label_join(&mut self, args: &[Expr], span: Span) -> Result<Items<'s>, EvalError> {
        let (target, separator) = (text(args, 1), text(args, 2));
        let sources: Vec<&str> = (3..args.len()).map(|at| text(args, at)).collect();
        for source in &sources {
            check(source, "source", "label_join", span)?;
        }
        check(target, "destination", "label_join", span)?;
        let items = self.first(args)?;
        let budget = self.budget;
        self.relabelled(items, target, span, |id| {
            let parts: Vec<String> = sources.iter().map(|source| id.get(source)).collect();
            let bytes: usize = parts.iter().map(|part| part.len() + separator.len()).sum();
            budget.hold(bytes)?;
            Ok(Some(parts.join(separator)))
        })
    }

    fn first(&mut self, args: &[Expr]) -> Result<Items<'s>, EvalError> {
        args.first().map_or_else(|| Ok(Items::default()), |arg| self.vector(unwrapped(arg)))
    }

    /// Sets a label of each series to what `value` gives.
    fn relabelled(
        &mut self,
        mut items: Items<'s>,
        target: &str,
        span: Span,
        mut value: impl FnMut(&Id<'s>) -> Result<Option<String>, EvalError>,
    ) -> Result<Items<'s>, EvalError> {
        let names = target == Labels::METRIC_NAME;
        for item in &mut items.list {
            if let Some(value) = value(&item.id)? {
                item.id = Id::Own(with(&item.id.labels(), target, &value));
                item.drop_name &= !names;
            }
        }
        items.one_name &= !names;
        items.merge_same().map_err(|SameLabels| same_labels(span))?;
        Ok(items)
    }
}

fn check(name: &str, role: &str, function: &str, span: Span) -> Result<(), EvalError> {
    if !name.is_empty() && crate::quote::is_utf8(name) {
        return Ok(());
    }
    let message = format!("invalid {role} label name in {function}(): {name}");
    Err(EvalError::invalid(span, message))
}
