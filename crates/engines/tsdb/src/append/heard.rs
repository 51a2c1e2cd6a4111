//! Who was heard of in a request.

use std::collections::HashMap;

use model::Labels;

use crate::{
    head::Head,
    record::{HistogramItem, Item},
};

/// Emitters in one request beyond which a map finds them.
const EMITTERS_LISTED: usize = 16;

/// Of each emitter the labels, and its newest sample's time.
pub(super) fn heard(
    head: &Head,
    items: &[Item],
    histograms: &[HistogramItem],
) -> Vec<(Labels, i64)> {
    let mut heard: Vec<(u32, i64)> = Vec::new();
    let mut places: HashMap<u32, usize> = HashMap::new();
    let mut last = 0;
    let times = items.iter().map(|item| (item.id, item.at_ms));
    let times = times.chain(histograms.iter().map(|item| (item.id, item.at_ms)));
    for (id, at_ms) in times {
        let Some(hot) = head.pages.get(id) else { continue };
        let is_last = heard.get(last).is_some_and(|(emitter, _)| *emitter == hot.emitter);
        if !is_last {
            let found = if heard.len() <= EMITTERS_LISTED {
                heard.iter().position(|(emitter, _)| *emitter == hot.emitter)
            } else {
                places.get(&hot.emitter).copied()
            };
            last = found.unwrap_or_else(|| {
                heard.push((hot.emitter, at_ms));
                heard.len() - 1
            });
            if heard.len() > EMITTERS_LISTED {
                if places.is_empty() {
                    places =
                        heard.iter().enumerate().map(|(at, (emitter, _))| (*emitter, at)).collect();
                }
                places.insert(hot.emitter, last);
            }
        }
        heard[last].1 = heard[last].1.max(at_ms);
    }
    let labelled = heard.into_iter().filter_map(|(emitter, at_ms)| {
        let one = head.emitters.get(emitter).filter(|one| one.is_heard)?;
        Some((one.labels.clone(), at_ms))
    });
    labelled.collect()
}
