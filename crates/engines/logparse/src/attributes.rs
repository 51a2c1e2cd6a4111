//! Attributes whose keys a line gives: they may come twice, and must not.

use model::{Attributes, Value};

/// Up to this many keys are compared with each other; more are sorted.
const FEW: usize = 16;

/// Of several values for one key the last stays, as most readers of JSON have it.
pub(crate) fn keep_last(attributes: &mut Attributes) {
    let doomed = if attributes.len() <= FEW {
        let later = |at: usize, key: &str| {
            attributes.iter().skip(at + 1).any(|(other, _)| other.as_ref() == key)
        };
        (0..attributes.len()).filter(|at| later(*at, &attributes[*at].0)).collect()
    } else {
        let mut order: Vec<usize> = (0..attributes.len()).collect();
        order.sort_by(|one, other| attributes[*one].0.cmp(&attributes[*other].0));
        let same = |pair: &&[usize]| attributes[pair[0]].0 == attributes[pair[1]].0;
        order.windows(2).filter(same).map(|pair| pair[0]).collect()
    };
    remove(attributes, doomed);
}

/// Makes one list of the values of a key that came more than once, at its first place. A flag adds nothing to a value.
pub(crate) fn collect_repeated(attributes: &mut Attributes) {
    let mut order: Vec<usize> = (0..attributes.len()).collect();
    order.sort_by(|one, other| attributes[*one].0.cmp(&attributes[*other].0));
    let same = |one: &usize, other: &usize| attributes[*one].0 == attributes[*other].0;
    let groups: Vec<Vec<usize>> =
        order.chunk_by(same).filter(|group| group.len() > 1).map(<[usize]>::to_vec).collect();
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

/// Takes the attributes at `places` out.
pub(crate) fn remove(attributes: &mut Attributes, mut places: Vec<usize>) {
    places.sort_unstable();
    let (mut at, mut places) = (0, places.into_iter().peekable());
    attributes.retain(|_| {
        at += 1;
        places.next_if_eq(&(at - 1)).is_none()
    });
}
