//! The header field `Authentication-Results` (RFC 8601): its syntax, and which fields of a message are trusted.

use super::headers::Field;

const FIELD: &str = "authentication-results";

/// One `Authentication-Results` field.
pub struct AuthenticationResults {
    pub results: Vec<MethodResult>,
    /// Whether every comment and every quoted string is closed. In a field where one is not, text that the sender
    /// chose, such as the envelope sender, may have been read as results.
    pub is_well_formed: bool,
    server: String,
}

/// The result of one method, such as `dkim=pass header.d=example.co`; all in lower case.
pub struct MethodResult {
    pub method: String,
    pub result: String,
    properties: Vec<(String, String)>,
}

impl MethodResult {
    /// The value of a property such as `header.from`; none if it is missing or given more than once.
    pub fn property(&self, name: &str) -> Option<&str> {
        let mut values = self.properties.iter().filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// `method[/version] = result *(property = value)`; none for `none` and for anything that is not a result.
    fn parse(statement: &str) -> Option<Self> {
        let mut words = words(statement).into_iter();
        let (method, result) = words.next()?;
        let method = method.split('/').next().unwrap_or_default().to_owned();
        let properties = words.filter(|(name, _)| name.contains('.')).collect();
        Some(MethodResult { method, result, properties })
    }
}

/// The `name=value` pairs of a statement, with or without space around `=`. A value may contain `=` itself.
fn words(statement: &str) -> Vec<(String, String)> {
    let mut joined: Vec<String> = Vec::new();
    for word in statement.split_whitespace() {
        match joined.last_mut() {
            Some(last) if word.starts_with('=') && !last.contains('=') => last.push_str(word),
            Some(last) if last.find('=') == Some(last.len() - 1) => last.push_str(word),
            _ => joined.push(word.to_owned()),
        }
    }
    let pairs = joined.iter().filter_map(|word| word.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl AuthenticationResults {
    fn parse(value: &str) -> Self {
        let (mut depth, mut is_quoted) = (0_usize, false);
        let mut statements = vec![String::new()];
        let mut chars = value.chars();
        while let Some(c) = chars.next() {
            match c {
                // An escaped character has no special meaning.
                '\\' if is_quoted || depth > 0 => {
                    chars.next();
                    continue;
                }
                '"' if depth == 0 => is_quoted = !is_quoted,
                '(' if !is_quoted => depth += 1,
                ')' if !is_quoted && depth > 0 => {
                    depth -= 1;
                    // A comment separates words.
                    push(&mut statements, ' ');
                }
                ';' if !is_quoted && depth == 0 => statements.push(String::new()),
                // White space within quotation marks does not separate words.
                c if depth == 0 && is_quoted && c.is_whitespace() => push(&mut statements, '_'),
                c if depth == 0 => push(&mut statements, c.to_ascii_lowercase()),
                _ => {}
            }
        }
        let is_well_formed = depth == 0 && !is_quoted;
        if !is_well_formed {
            statements = value.split(';').map(str::to_ascii_lowercase).collect();
        }
        // The server may be followed by the version of the syntax, which is 1.
        let mut head = statements.first().map_or("", String::as_str).split_whitespace();
        let server = head.next().unwrap_or_default().to_owned();
        // Programs that remove forged fields compare the literal name, without quotation marks and comments before
        // it.
        let is_bare = value.trim_start().to_ascii_lowercase().starts_with(&server);
        let is_version_1 = head.next().is_none_or(|version| version == "1") && head.next().is_none();
        AuthenticationResults {
            results: statements.iter().skip(1).filter_map(|one| MethodResult::parse(one)).collect(),
            is_well_formed: is_well_formed && is_version_1 && is_bare,
            server,
        }
    }
}

fn push(statements: &mut [String], c: char) {
    if let Some(statement) = statements.last_mut() {
        statement.push(c);
    }
}

/// The topmost consecutive fields of this server, from top to bottom; fields that mail servers add together with them
/// may be between. A field further down was in the message when it arrived. So may be any but the first: a sender can
/// place a field directly below that of the server.
///
/// None if more than `hops` `Received` fields are above the first one. Each server puts its `Received` field on top,
/// so fields below those of the entity were in the message when it arrived (RFC 8601, 1.6 and 7.1).
pub fn topmost(fields: Vec<Field>, authserv_id: &str, hops: usize) -> Vec<AuthenticationResults> {
    let mut received = 0;
    let is_within = |field: &Field| {
        received += usize::from(field.name == "received");
        received <= hops
    };
    let is_added_with_it = |name: &str| {
        name == FIELD || name == "received-spf" || name.starts_with("arc-") || name.starts_with("x-")
    };
    let parsed = fields.into_iter().take_while(is_within).map(|field| {
        let results = (field.name == FIELD).then(|| AuthenticationResults::parse(&field.value));
        (field.name, results.filter(|results| results.server.eq_ignore_ascii_case(authserv_id)))
    });
    let rest = parsed.skip_while(|(_, results)| results.is_none());
    rest.take_while(|(name, _)| is_added_with_it(name)).filter_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> (String, Vec<String>, bool) {
        let AuthenticationResults { results, is_well_formed, server } = AuthenticationResults::parse(value);
        let written = |one: &MethodResult| {
            let properties: Vec<String> =
                one.properties.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            format!("{}={}{}", one.method, one.result, properties.concat())
        };
        (server, results.iter().map(written).collect(), is_well_formed)
    }

    #[test]
    fn results_are_read_without_comments_and_with_their_properties() {
        let (server, results, is_well_formed) = parsed(
            "MX.Example.co 1 (checked); DKIM/1 = Pass (good (very) \\) signature) header.d=example.co \
             header.b=\"a/b=\"; spf=pass reason=\"x; dmarc=pass\" smtp.mailfrom=prvs=123=rosa@example.co;dmarc=none",
        );
        assert_eq!((server.as_str(), is_well_formed), ("mx.example.co", true));
        assert_eq!(
            results,
            [
                "dkim=pass header.d=example.co header.b=a/b=",
                "spf=pass smtp.mailfrom=prvs=123=rosa@example.co",
                "dmarc=none"
            ]
        );
        assert_eq!(parsed("mx; none"), ("mx".to_owned(), vec![], true));
        assert_eq!(parsed("\"mx\"; spf=pass(ok)smtp.mailfrom=a@x").1, ["spf=pass smtp.mailfrom=a@x"]);
    }

    #[test]
    fn an_open_comment_or_quotation_and_an_unknown_version_are_not_well_formed() {
        for value in ["mx; spf=pass smtp.mailfrom=a(@x; dmarc=fail", "mx; spf=pass x=\"a@x", "mx 2; spf=pass"]
        {
            assert!(!parsed(value).2, "{value}");
        }
    }

    #[test]
    fn a_property_that_is_given_twice_has_no_value() {
        let read = AuthenticationResults::parse("mx; spf=pass smtp.mailfrom=a@x smtp.mailfrom=b@y");
        assert_eq!(read.results[0].property("smtp.mailfrom"), None);
        assert_eq!(read.results[0].property("header.d"), None);
    }
}
