//! The one address in a field that no standard allows but that names nobody else.

use std::ops::Range;

use super::addresses::{self, Mailbox, is_unseen, mailbox};

/// The only address in a malformed text: without angle brackets, in apostrophes, with one quotation mark too many, with
/// a dot at its end, in one of the forms of `repaired`, or repeated. None if there is another one, wherever it is.
pub fn only_one(text: &str) -> Option<Mailbox> {
    let text = once(&repaired(text))?;
    if text.matches('@').count() != 1 {
        return None;
    }
    // Where there are brackets, an address is only within them.
    let (before, within, after) = match text.split_once('<') {
        Some((before, rest)) => {
            let (within, after) = rest.split_once('>').unwrap_or((rest, ""));
            (before, within, after)
        }
        None => ("", text.as_str(), ""),
    };
    // Quotation marks in pairs may contain anything.
    let marks = within.matches('"').count();
    if after.contains('<') || !within.contains('@') || marks > 1 && within.contains("\"@") {
        return None;
    }
    let word = within.split(is_end).find(|word| word.contains('@'))?;
    let unquoted: String = word.chars().filter(|c| *c != '"').collect();
    let names = if before.trim().is_empty() { within.replacen(word, " ", 1) } else { before.to_owned() };
    let name = names.replace(['<', '>', '(', ')', '[', ']', ';', '"'], " ");
    mailbox(Some(bare(&unquoted)), Some(name.trim_matches([',', ':', ' '])))
}

fn is_end(c: char) -> bool {
    c.is_whitespace() || "()[]<>,;".contains(c)
}

/// An address without what may be around it.
fn bare(word: &str) -> &str {
    let word = word.trim_matches(['"', '\'', '`', '‘', '’', '“', '”']);
    let scheme = ["mailto:", "smtp:"]
        .into_iter()
        .find(|scheme| word.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    word[scheme.map_or(0, str::len)..].trim_end_matches(['.', ':'])
}

/// With brackets instead of their entities in HTML and of wide ones, without invisible characters and without a route
/// (RFC 5322, 4.4) within them, and without quotation marks that a local part does not need.
fn repaired(text: &str) -> String {
    let mut text = text.to_owned();
    for (written, meant) in [
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        ("&quot;", "\""),
        ("＜", "<"),
        ("﹤", "<"),
        ("＞", ">"),
        ("﹥", ">"),
    ] {
        if text.contains(written) {
            text = text.replace(written, meant);
        }
    }
    if let Some(range) = within_brackets(&text) {
        let within = text[range.clone()].trim_matches(|c: char| c.is_whitespace() || is_unseen(c));
        let within = without_route(within).unwrap_or(within).to_owned();
        text.replace_range(range, &within);
    }
    with_plain_local_part(text)
}

/// Between the first `<` and the first `>` after it.
fn within_brackets(text: &str) -> Option<Range<usize>> {
    let start = text.find('<')? + 1;
    Some(start..start + text[start..].find('>')?)
}

/// `@a.test,@b.test:ana@x.test`
fn without_route(within: &str) -> Option<&str> {
    let (route, address) = within.split_once(':')?;
    let is_domain = |one: &str| one.trim().strip_prefix('@').is_some_and(addresses::is_domain);
    route.split(',').all(is_domain).then_some(address.trim())
}

/// With `ana.ruiz@x.test` for `"ana.ruiz"@x.test`, which is the same address.
fn with_plain_local_part(mut text: String) -> String {
    let Some(end) = text.find("\"@") else { return text };
    let Some(start) = text[..end].rfind('"') else { return text };
    let (before, local) = (&text[..start], &text[start + 1..end]);
    let is_plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "-_+'=&".contains(c));
    let is_outside = before.matches('"').count() % 2 == 0;
    let begins = before.chars().next_back().is_none_or(|c| is_end(c) || c == ':');
    if is_outside && begins && local.split('.').all(is_plain) {
        text.remove(end);
        text.remove(start);
    }
    text
}

/// With an address that is repeated only where it is within angle brackets, or where it is first. None if there are
/// different ones.
fn once(text: &str) -> Option<String> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for piece in text.split_inclusive(is_end) {
        let word = piece.trim_end_matches(is_end);
        if word.contains('@') {
            words.push(start..start + word.len());
        }
        start += piece.len();
    }
    let bracket = text.find('<').unwrap_or(text.len());
    let kept = words.iter().find(|word| word.start > bracket).or(words.first())?.clone();
    let address = bare(&text[kept.clone()]);
    let mut whole = String::with_capacity(text.len());
    let mut copied = 0;
    for word in words.into_iter().filter(|word| *word != kept) {
        if !bare(&text[word.clone()]).eq_ignore_ascii_case(address) {
            return None;
        }
        let within = with_brackets(text, word);
        whole.push_str(&text[copied..within.start]);
        whole.push(' ');
        copied = within.end;
    }
    whole.push_str(&text[copied..]);
    Some(whole)
}

/// The word and the brackets around it, if there are any.
fn with_brackets(text: &str, word: Range<usize>) -> Range<usize> {
    let around = (text[..word.start].chars().next_back(), text[word.end..].chars().next());
    match around {
        (Some('<'), Some('>')) | (Some('['), Some(']')) | (Some('('), Some(')')) => {
            word.start - 1..word.end + 1
        }
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::super::addresses::{author, is_one};

    fn read(value: &str) -> Option<(String, String)> {
        author(value.as_bytes(), None).map(|one| (one.name.unwrap_or_default(), one.address))
    }

    #[test]
    fn an_address_in_an_old_or_broken_form_is_read_and_is_not_well_formed() {
        for (value, name) in [
            ("Ana <@a.test,@b.test:ana.ruiz@x.test>", "Ana"),
            ("Ana <@a.test: ana.ruiz@x.test>", "Ana"),
            ("\"ana.ruiz\"@x.test", ""),
            ("Ana <\"ana.ruiz\"@x.test>", "Ana"),
            ("\"Ruiz, Ana\" <\"ana.ruiz\"@x.test>", "Ruiz, Ana"),
            ("[mailto:ana.ruiz@x.test]", ""),
            ("Ana [mailto:ana.ruiz@x.test]", "Ana"),
            ("ana.ruiz@x.test [mailto:ana.ruiz@x.test]", ""),
            ("Ana <SMTP:ana.ruiz@x.test>", "Ana"),
            ("Ana <MailTo:ana.ruiz@x.test>", "Ana"),
            ("Ana <ana.ruiz@x.test> <ana.ruiz@x.test>", "Ana"),
            ("Ana <ana.ruiz@x.test> [Ana.Ruiz@x.test]", "Ana"),
            ("ana.ruiz@x.test <mailto:ana.ruiz@x.test>", ""),
            ("Ana <\u{200b}ana.ruiz@x.test>", "Ana"),
            ("\u{200b}Ana <\u{202a}ana.ruiz@x.test\u{202c}>", "Ana"),
            ("Ana &lt;ana.ruiz@x.test&gt;", "Ana"),
            ("&quot;Ana&quot; &#60;ana.ruiz@x.test&#62;", "Ana"),
            ("Ana ＜ana.ruiz@x.test＞", "Ana"),
            ("=?utf-8?Q?Ana_=EF=BC=9Cana.ruiz=40x.test=EF=BC=9E?=", "Ana"),
            ("=?utf-8?Q?Ana_&lt;ana.ruiz=40x.test&gt;?=", "Ana"),
        ] {
            assert_eq!(read(value), Some((name.to_owned(), "ana.ruiz@x.test".to_owned())), "{value}");
            assert!(!is_one(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn with_another_address_anywhere_it_names_nobody() {
        for value in [
            "Ana &lt;a@x.test&gt; (b@x.test)",
            "\"b@x.test\" ＜a@x.test＞",
            "b@x.test＜a@x.test＞",
            "=?utf-8?Q?b=40x.test?= ＜a@x.test＞",
            "<@x.test:a@x.test> b@x.test",
            "<@x.test:a@x.test:b@x.test>",
            "<@x.test b:a@x.test>",
            "a@x.test [mailto:b@x.test]",
            "<SMTP:a@x.test> <mailto:b@x.test>",
            "<a@x.test> <a@x.test> <b@x.test>",
            "<a@x.test> <a@x.test> <b>",
            "\"a@x.test\"@x.test",
            "\"b\"a\"@x.test",
            "\"a b\"@x.test",
            "\"a..b\"@x.test",
            "Ana <a@x.t\u{200b}est>",
            "Ana <a\u{200b}@x.test>",
        ] {
            assert_eq!(read(value), None, "{value}");
        }
        // What is in a name, a comment or an entity beside a sound address is no address.
        for value in [
            "&lt;a@x.test&gt; <b@x.test>",
            "\"＜a@x.test＞\" <b@x.test>",
            "\"a@x.test [mailto:a@x.test]\" <b@x.test>",
            "(a@x.test) <b@x.test>",
            "b@x.test (a@x.test (a@x.test))",
            "b@x.test (<a@x.test>)",
            "=?utf-8?Q?=3Ca=40x.test=3E?= <b@x.test>",
        ] {
            assert_eq!(read(value).map(|one| one.1).as_deref(), Some("b@x.test"), "{value}");
        }
    }

    #[test]
    fn many_repeated_addresses_take_linear_time() {
        let many = "<a@x.test> ".repeat(20_000);
        assert_eq!(read(&many).map(|one| one.1).as_deref(), Some("a@x.test"));
        assert_eq!(read(&format!("{many} <b@x.test>")), None);
    }
}
