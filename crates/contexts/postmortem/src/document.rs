//! A draft as a document: sections of blocks, before it is Markdown.

/// A part of a section; all texts are plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    Paragraph(String),
    /// A heading within the section.
    Heading(&'static str),
    List(Vec<String>),
    Table {
        head: Vec<&'static str>,
        rows: Vec<Vec<String>>,
    },
    /// What a person is asked to write here.
    Ask(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub heading: &'static str,
    pub blocks: Vec<Block>,
}

/// A postmortem's draft; [`Draft::markdown`] is the document that people edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub title: String,
    pub sections: Vec<Section>,
}

impl Section {
    /// Whether anything was filled in from data; otherwise a person is asked for all of it.
    pub fn from_data(&self) -> bool {
        self.blocks.iter().any(|block| !matches!(block, Block::Ask(_) | Block::Heading(_)))
    }

    /// Its text without markup: an item or a row is a paragraph of its own.
    pub fn paragraphs(&self) -> Vec<String> {
        self.blocks
            .iter()
            .flat_map(|block| match block {
                Block::Paragraph(text) => vec![text.clone()],
                Block::Heading(text) | Block::Ask(text) => vec![(*text).to_owned()],
                Block::List(items) => items.clone(),
                Block::Table { rows, .. } => rows.iter().map(|row| row.join(" · ")).collect(),
            })
            .collect()
    }
}
