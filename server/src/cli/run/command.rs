//! The arguments of `pillion run` as one line for a shell. Pure.

/// One argument is a line already; of several each becomes one word.
pub(super) fn line(arguments: &[String]) -> String {
    match arguments {
        [line] => line.clone(),
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        for (arguments, expected) in [
            (&["cargo test && echo 'a b'"][..], "cargo test && echo 'a b'"),
            (&["cargo", "test", "--", "a b"], "cargo test -- 'a b'"),
            (&["printf", "%s", "it's", "", "$HOME"], r"printf %s 'it'\''s' '' '$HOME'"),
            (&["A=1", "make"], "A=1 make"),
        ] {
            let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(line(&arguments), expected);
        }
    }
}
