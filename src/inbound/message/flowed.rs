//! Text in the format `flowed` (RFC 3676): a line that ends in a space continues in the next one.

/// `joins`: the space at the end of a line is not a part of the text (`DelSp`).
pub fn text(text: &str, joins: bool) -> String {
    let depth = |line: &str| line.bytes().take_while(|byte| *byte == b'>').count();
    let mut flowed = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let quoted = depth(line);
        let words = line[quoted..].strip_prefix(' ').unwrap_or(&line[quoted..]);
        // The line of a signature stands alone.
        if open == Some(quoted) && words != "-- " {
            flowed.push_str(words);
        } else {
            if open.is_some() {
                flowed.push('\n');
            }
            flowed.push_str(&">".repeat(quoted));
            if quoted > 0 {
                flowed.push(' ');
            }
            flowed.push_str(words);
        }
        if words.ends_with(' ') && words != "-- " {
            if joins {
                flowed.pop();
            }
            open = Some(quoted);
        } else {
            flowed.push('\n');
            open = None;
        }
    }
    flowed
}

#[cfg(test)]
mod tests {
    #[test]
    fn flowed_lines_go_on() {
        assert_eq!(
            super::text("uno \ndos\n> tres \n> cuatro\n-- \nAna", false),
            "uno dos\n> tres cuatro\n-- \nAna\n"
        );
        assert_eq!(super::text("uno \n-- \nAna", false), "uno \n-- \nAna\n");
        assert_eq!(super::text("日 \n本", true), "日本\n");
    }
}
