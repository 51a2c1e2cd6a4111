//! `sort` and its kin: they order the series of an instant query.

use std::cmp::Ordering;

use super::text;
use crate::{
    ast::Expr,
    eval::{
        Context, EvalError,
        item::{Item, Items},
        pipeline::unwrapped,
    },
};

impl<'s> Context<'s> {
    pub(super) fn sorted(&mut self, name: &str, args: &[Expr]) -> Result<Items<'s>, EvalError> {
        let mut items = match args.first() {
            Some(arg) => self.vector(unwrapped(arg))?,
            None => Items::default(),
        };
        let descending = name.ends_with("_desc");
        if name.starts_with("sort_by_label") {
            let labels: Vec<&str> = (1..args.len()).map(|at| text(args, at)).collect();
            let mut keyed: Vec<(Vec<String>, model::Labels, Item<'s>)> = items
                .list
                .into_iter()
                .map(|item| {
                    let values = labels.iter().map(|label| item.id.get(label)).collect();
                    (values, item.id.labels(), item)
                })
                .collect();
            keyed.sort_by(|a, b| {
                let pairs = a.0.iter().zip(&b.0);
                let by_label =
                    pairs.fold(Ordering::Equal, |order, (a, b)| order.then_with(|| natural(a, b)));
                let order = by_label.then_with(|| a.1.cmp(&b.1));
                if descending { order.reverse() } else { order }
            });
            items.list = keyed.into_iter().map(|(_, _, item)| item).collect();
        } else {
            for item in &mut items.list {
                item.cells.only_floats();
            }
            items.list.retain(|item| !item.cells.is_empty());
            let value = |item: &Item<'s>| item.cells.float(0).unwrap_or(f64::NAN);
            items.list.sort_by(|a, b| {
                let (a, b) = (value(a), value(b));
                // What is no number comes last in both orders.
                match (a.is_nan(), b.is_nan()) {
                    (true, true) => Ordering::Equal,
                    (true, false) => Ordering::Greater,
                    (false, true) => Ordering::Less,
                    (false, false) => {
                        let order = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
                        if descending { order.reverse() } else { order }
                    }
                }
            });
        }
        items.ordered = true;
        Ok(items)
    }
}

/// Compares texts so that numbers in them are in the order of their size.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else {
            return a.len().cmp(&b.len());
        };
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (number_a, rest_a) = a.split_at(digits(a));
            let (number_b, rest_b) = b.split_at(digits(b));
            let (trimmed_a, trimmed_b) =
                (number_a.trim_start_matches('0'), number_b.trim_start_matches('0'));
            let order = trimmed_a
                .len()
                .cmp(&trimmed_b.len())
                .then_with(|| trimmed_a.cmp(trimmed_b))
                .then_with(|| number_a.len().cmp(&number_b.len()));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (rest_a, rest_b);
            continue;
        }
        if x != y {
            return x.cmp(&y);
        }
        (a, b) = (a.split_at(x.len_utf8()).1, b.split_at(y.len_utf8()).1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_texts_count_as_numbers() {
        let mut texts = ["a10", "a2", "b", "a", "a02", "a2b"];
        texts.sort_by(|a, b| natural(a, b));
        assert_eq!(texts, ["a", "a2", "a2b", "a02", "a10", "b"]);
    }
}
