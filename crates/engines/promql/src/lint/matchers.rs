//! Matchers that say less, or more, than they seem to.

use model::{MatchOp, Matcher};

use super::{Fix, Linter, Severity};
use crate::{ast::Selector, quote::Quoted, span::Span};

impl<'e> Linter<'e> {
    pub(super) fn matchers(&mut self, selector: &'e Selector) {
        let named = selector.name.is_some()
            || selector.matchers.iter().any(|matcher| matcher.name() == "__name__");
        if !named && !self.in_info() {
            let message =
                "a selector without a metric's name reads the series of all metrics".to_owned();
            self.say(selector.span, Severity::Hint, "selector-without-name", message, None);
        }
        for (matcher, span) in selector.matchers.iter().zip(&selector.matcher_spans) {
            match matcher.op() {
                MatchOp::Regex | MatchOp::NotRegex => self.pattern(matcher, *span),
                MatchOp::Equal | MatchOp::NotEqual => {}
            }
        }
    }

    /// The second argument of `info` names labels of the metrics that it joins.
    fn in_info(&self) -> bool {
        self.parents.last().is_some_and(|parent| {
            matches!(&parent.kind, crate::ast::ExprKind::Call { function, .. } if function.name == "info")
        })
    }

    fn pattern(&mut self, matcher: &Matcher, span: Span) {
        let (label, pattern) = (matcher.name(), matcher.value());
        let negative = matcher.op() == MatchOp::NotRegex;
        let everything = matches!(pattern, ".*" | "^.*$" | "(.*)");
        let anything = matches!(pattern, ".+" | "^.+$" | "(.+)");
        if everything && negative {
            let message = format!("`{label}!~{}` matches no series", Quoted(pattern));
            self.say(span, Severity::Error, "matches-nothing", message, None);
        } else if everything {
            let message = format!("`{label}=~{}` matches every series", Quoted(pattern));
            self.say(span, Severity::Hint, "matches-everything", message, None);
        } else if anything && label != "__name__" {
            let op = if negative { "=" } else { "!=" };
            let simpler = format!("{}{op}\"\"", crate::print::label(label));
            let message = format!("`{simpler}` says the same without a regular expression");
            let fix = Fix::replace(format!("use `{simpler}`"), span, simpler);
            self.say(span, Severity::Hint, "simple-regex", message, fix);
        } else if !pattern.contains(METACHARACTERS) {
            let op = if negative { "!=" } else { "=" };
            let simpler = format!("{}{op}{}", crate::print::label(label), Quoted(pattern));
            let message =
                format!("{} has no metacharacters: `{op}` says the same", Quoted(pattern));
            let fix = Fix::replace(format!("use `{simpler}`"), span, simpler);
            self.say(span, Severity::Hint, "simple-regex", message, fix);
        } else if pattern.starts_with('^') || (pattern.ends_with('$') && !pattern.ends_with("\\$"))
        {
            let bare = pattern.strip_prefix('^').unwrap_or(pattern);
            let bare = bare.strip_suffix('$').unwrap_or(bare);
            let message =
                "regular expressions of matchers are anchored at both ends anyway".to_owned();
            // An alternative outside of parentheses has an anchor of its own.
            let fix = (!bare.contains(['|', '\\'])).then(|| {
                let op = if negative { "!~" } else { "=~" };
                let text = format!("{}{op}{}", crate::print::label(label), Quoted(bare));
                Fix::replace("leave out the anchors".to_owned(), span, text)
            });
            self.say(span, Severity::Hint, "anchored-regex", message, fix.flatten());
        } else if label == "__name__" && (pattern.starts_with(".*") || pattern.starts_with(".+")) {
            let message = "the names of all metrics are looked at".to_owned();
            self.say(span, Severity::Hint, "regex-over-names", message, None);
        }
    }
}

/// What makes a pattern more than the text it matches.
const METACHARACTERS: [char; 14] =
    ['\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$'];
