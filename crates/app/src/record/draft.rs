//! A postmortem's draft as it is kept in its fact.

use model::Timestamp;

use super::disk::{Disk, DiskError, disk_struct, unexpected};

/// A draft, frozen as of when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftDocument {
    pub title: String,
    pub drafted_at: Timestamp,
    pub sections: Vec<DraftSection>,
    pub timeline: Vec<DraftEvent>,
    /// The whole document.
    pub markdown: String,
}

/// One heading and what stands under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftSection {
    pub heading: String,
    /// Plain text.
    pub paragraphs: Vec<String>,
    /// Whether it was filled from data; otherwise a person is asked to write it.
    pub from_data: bool,
}

/// A line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftEvent {
    pub at: Timestamp,
    pub sentence: String,
    /// Number of the fact.
    pub seq: u64,
}

disk_struct!(DraftSection { heading, paragraphs, from_data });
disk_struct!(DraftEvent { at, sentence, seq });
disk_struct!(DraftDocument { title, drafted_at, sections, timeline, markdown });

impl DraftDocument {
    /// As JSON.
    pub(crate) fn to_text(&self) -> String {
        self.to_json().to_string()
    }

    /// # Errors
    /// When the text is not what [`to_text`](Self::to_text) writes.
    pub(crate) fn from_text(text: &str) -> Result<Self, DiskError> {
        let json = serde_json::from_str(text)
            .map_err(|_| unexpected(&serde_json::Value::from(text), "JSON"))?;
        Self::from_json(&json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_reads_back_the_same() {
        let document = DraftDocument {
            title: "INC-1".into(),
            drafted_at: Timestamp::from_secs(5),
            sections: vec![DraftSection {
                heading: "Impact".into(),
                paragraphs: vec!["\"much\"".into()],
                from_data: true,
            }],
            timeline: vec![DraftEvent {
                at: Timestamp::from_secs(1),
                sentence: "it began".into(),
                seq: 1,
            }],
            markdown: "# INC-1\n".into(),
        };
        assert_eq!(DraftDocument::from_text(&document.to_text()), Ok(document));
        assert!(DraftDocument::from_text("{").is_err());
    }
}
