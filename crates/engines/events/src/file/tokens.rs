//! Words of a text, as full-text search knows them: runs of letters, digits and `_`, whatever their case.

/// The text's tokens, in lower case. `buffer` is written over.
pub(crate) fn tokens<'a>(text: &str, buffer: &'a mut String, mut visit: impl FnMut(&str)) {
    let buffer: &'a mut String = buffer;
    for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
        if word.is_empty() {
            continue;
        }
        if word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        {
            visit(word);
        } else {
            buffer.clear();
            buffer.extend(word.chars().flat_map(char::to_lowercase));
            visit(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_of_any_script() {
        let mut found = Vec::new();
        tokens("Card DECLINED: id=7f_3, Übergröße…", &mut String::new(), |token| {
            found.push(token.to_owned());
        });
        assert_eq!(found, ["card", "declined", "id", "7f_3", "übergröße"]);
    }
}
