//! Renders a draft as Markdown (CommonMark with GitHub's tables). Whatever a text holds, it stays text.

use crate::document::{Block, Draft};

impl Draft {
    /// The document, ending in a line feed.
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n", escape(&self.title));
        for section in &self.sections {
            out.push_str(&format!("\n## {}\n", section.heading));
            for block in &section.blocks {
                out.push('\n');
                render(block, &mut out);
            }
        }
        out
    }
}

fn render(block: &Block, out: &mut String) {
    match block {
        Block::Paragraph(text) => out.push_str(&format!("{}\n", escape(text))),
        Block::Heading(text) => out.push_str(&format!("### {text}\n")),
        Block::Ask(text) => out.push_str(&format!("_{text}_\n")),
        Block::List(items) => {
            for item in items {
                out.push_str(&format!("- {}\n", escape(item)));
            }
        }
        Block::Table { head, rows } => {
            out.push_str(&format!("| {} |\n", head.join(" | ")));
            out.push_str(&format!("|{}\n", " --- |".repeat(head.len())));
            for row in rows {
                let cells: Vec<_> = row.iter().map(|cell| escape(cell)).collect();
                out.push_str(&format!("| {} |\n", cells.join(" | ")));
            }
        }
    }
}

/// One line of text in which nothing is markup: inline signs are escaped, and so is what would begin a block.
fn escape(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(line.len() + 8);
    let starts_block = block_sign(&line);
    let mut before = ' ';
    let mut rest = line.chars().enumerate().peekable();
    while let Some((at, sign)) = rest.next() {
        let after = rest.peek().map_or(' ', |(_, next)| *next);
        let inline = match sign {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' => true,
            '!' => after == '[',
            // At the end of a heading it would close it.
            '#' => before == ' ' || rest.peek().is_none(),
            // Within a word, as in an id, it is no emphasis.
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            _ => false,
        };
        if inline || starts_block == Some(at) {
            out.push('\\');
        }
        out.push(sign);
        before = sign;
    }
    out
}

/// Where the sign stands that would make this line a heading, a list, a rule or an underline.
fn block_sign(line: &str) -> Option<usize> {
    match line.chars().next()? {
        '-' | '+' | '=' | ':' => Some(0),
        first if first.is_ascii_digit() => {
            let digits = line.chars().take_while(char::is_ascii_digit).count();
            let mut rest = line.chars().skip(digits);
            let marks = matches!(rest.next(), Some('.' | ')'));
            (marks && rest.next().is_none_or(char::is_whitespace)).then_some(digits)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;
    use crate::document::Section;

    #[test]
    fn signs_are_escaped_where_they_would_mean_something() {
        assert_eq!(escape("a | b\nc"), r"a \| b c");
        assert_eq!(escape("inc_01j is _not_ `code`"), r"inc_01j is \_not\_ \`code\`");
        assert_eq!(escape("<script> &amp; [x](y) ![z]"), r"\<script\> \&amp; \[x\](y) \!\[z\]");
        assert_eq!(escape("1. first"), r"1\. first");
        assert_eq!(escape("1.9.0 is back"), "1.9.0 is back");
        assert_eq!(escape("# a"), r"\# a");
        assert_eq!(escape("98 % of failures, e.g. 2.0.0"), "98 % of failures, e.g. 2.0.0");
    }

    /// What a reader sees of a draft that holds `text` everywhere, and how many blocks it has.
    fn read(text: &str) -> (Vec<String>, usize) {
        let draft = Draft {
            title: text.to_owned(),
            sections: vec![Section {
                heading: "Head",
                blocks: vec![
                    Block::Paragraph(text.to_owned()),
                    Block::List(vec![text.to_owned(), text.to_owned()]),
                    Block::Table {
                        head: vec!["Left", "Right"],
                        rows: vec![vec![text.to_owned(); 2]; 2],
                    },
                ],
            }],
        };
        let markdown = draft.markdown();
        let (mut texts, mut blocks) = (vec![String::new()], 0);
        for event in
            Parser::new_ext(&markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH)
        {
            match event {
                Event::Text(text) => texts.last_mut().unwrap().push_str(&text),
                Event::End(_) => texts.push(String::new()),
                Event::Start(
                    Tag::Heading { .. }
                    | Tag::Paragraph
                    | Tag::List(_)
                    | Tag::Item
                    | Tag::Table(_)
                    | Tag::TableHead
                    | Tag::TableRow
                    | Tag::TableCell,
                ) => blocks += 1,
                other => panic!("{other:?} in {markdown}"),
            }
        }
        texts.retain(|text| !text.is_empty());
        (texts, blocks)
    }

    proptest! {
        /// Read by another program, every text comes out as it went in, and the document's shape is its own.
        #[test]
        fn no_text_becomes_markup(text in "[-a1#*_`<>|&\\[\\]()!~+=:.$ é\\\\\n]{1,24}") {
            let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assume!(!plain.is_empty());
            let (texts, blocks) = read(&text);
            let (_, expected) = read("plain");
            prop_assert_eq!(blocks, expected, "{}", escape(&text));
            prop_assert_eq!(texts.iter().filter(|one| **one == plain).count(), 8, "{:?}", texts);
        }
    }
}
