//! Attributes whose keys a line gives: they may come twice, and must not.

use model::{Attributes, Value};

/// Of several values for one key the last stays, as most readers of JSON have it.
pub(crate) fn keep_last(attributes: &mut Attributes) {
    let groups = repeated(attributes);
    let earlier = |group: &Vec<usize>| group.iter().rev().skip(1).copied().collect::<Vec<_>>();
    remove(attributes, groups.iter().flat_map(earlier).collect());
}

/// Makes one list of the values of a key that came more than once, at its first place. A flag adds nothing to a value.
pub(crate) fn collect_repeated(attributes: &mut Attributes) {
    let groups = repeated(attributes);
    for group in &groups {
        let take = |at: &usize| std::mem::replace(&mut attributes[*at].1, Value::Empty);
        let mut values: Vec<Value> = group.iter().map(take).collect();
        if values.iter().any(|value| *value != Value::Bool(true)) {
            values.retain(|value| *value != Value::Bool(true));
        } else {
            values.truncate(1);
        }
        attributes[group[0]].1 =
            if values.len() == 1 { values.remove(0) } else { Value::Array(values) };
    }
    remove(attributes, groups.iter().flat_map(|group| group.iter().skip(1)).copied().collect());
}

/// Up to this many keys are compared with each other; more are sorted.
const FEW: usize = 16;

/// The places of each key that comes more than once, in their order.
fn repeated(attributes: &Attributes) -> Vec<Vec<usize>> {
    let key = |at: &usize| &attributes[*at].0;
    let unlike_before = |at: usize| attributes.iter().take(at).all(|(other, _)| other != key(&at));
    if attributes.len() <= FEW && (1..attributes.len()).all(unlike_before) {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..attributes.len()).collect();
    order.sort_by(|one, other| key(one).cmp(key(other)));
    let groups = order.chunk_by(|one, other| key(one) == key(other));
    groups.filter(|group| group.len() > 1).map(<[usize]>::to_vec).collect()
}

/// Takes the attributes at `places` out.
pub(crate) fn remove(attributes: &mut Attributes, mut places: Vec<usize>) {
    if places.is_empty() {
        return;
    }
    places.sort_unstable();
    let (mut at, mut places) = (0, places.into_iter().peekable());
    attributes.retain(|_| {
        at += 1;
        places.next_if_eq(&(at - 1)).is_none()
    });
}
