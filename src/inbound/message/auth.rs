//! What our own mail server found out about the sender: `Authentication-Results` (RFC 8601).

use super::headers::{Field, Headers};
use super::{mime, without_envelope};

/// Whether the server of this name says of the message that SPF, DKIM or DMARC fail. Only its topmost results count, those
/// that stand together: whatever is below may have been there before. Where DMARC passes, the sender is who they say,
/// though one of the other two may fail on the way. The first field that says either decides, since a sender may have put
/// one of their own right below.
pub fn authentication_fails(bytes: &[u8], authserv_id: &str) -> bool {
    let (header, _) = mime::split(without_envelope(bytes));
    let Ok(headers) = Headers::read(header) else { return false };
    let said = topmost(headers.fields(), authserv_id);
    said.iter().find_map(decision).unwrap_or(false)
}

/// Whether one field says that the sender is not who they say; none where it says neither.
fn decision(field: &Stated) -> Option<bool> {
    let any = |wanted: fn(&str, &str) -> bool| field.results().any(|(method, result)| wanted(method, result));
    if field.is_sound && any(|method, result| method == "dmarc" && result == "pass") {
        return Some(false);
    }
    let fails = any(|method, result| {
        matches!(method, "dmarc" | "spf" | "dkim") && matches!(result, "fail" | "hardfail")
    });
    fails.then_some(true)
}

/// The topmost fields by this server that follow one another; fields that servers add beside them may stand between.
fn topmost(fields: Vec<Field>, authserv_id: &str) -> Vec<Stated> {
    let beside = |name: &str| {
        name == "authentication-results"
            || name == "received-spf"
            || name.starts_with("arc-")
            || name.starts_with("x-")
    };
    let ours = |field: Field| {
        let stated = (field.name == "authentication-results").then(|| Stated::read(&field.value));
        (field.name, stated.filter(|stated| stated.server().eq_ignore_ascii_case(authserv_id)))
    };
    let rest = fields.into_iter().map(ours).skip_while(|(_, ours)| ours.is_none());
    rest.take_while(|(name, _)| beside(name)).filter_map(|(_, ours)| ours).collect()
}

/// What one field states.
struct Stated {
    /// The server's name, and then what it found out: without comments, in lower case.
    statements: Vec<String>,
    /// Whether every comment and quotation ends. Where one does not, somebody's address broke the field, and nothing good
    /// is believed of it.
    is_sound: bool,
}

impl Stated {
    fn read(value: &str) -> Self {
        let (mut depth, mut quoted) = (0_usize, false);
        let mut statements = vec![String::new()];
        let mut chars = value.chars();
        while let Some(c) = chars.next() {
            match c {
                // Whatever is escaped means nothing here.
                '\\' if quoted || depth > 0 => {
                    chars.next();
                    continue;
                }
                '"' if depth == 0 => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted && depth > 0 => depth -= 1,
                ';' if !quoted && depth == 0 => statements.push(String::new()),
                c if depth == 0 => {
                    if let Some(statement) = statements.last_mut() {
                        // A space within quotation separates no words.
                        statement.push(if quoted && c.is_whitespace() {
                            '_'
                        } else {
                            c.to_ascii_lowercase()
                        });
                    }
                }
                _ => {}
            }
        }
        let is_sound = depth == 0 && !quoted;
        if !is_sound {
            statements = value.split(';').map(str::to_ascii_lowercase).collect();
        }
        Stated { statements, is_sound }
    }

    fn server(&self) -> &str {
        self.statements.first().and_then(|name| name.split_whitespace().next()).unwrap_or_default()
    }

    /// Method and result of each statement.
    fn results(&self) -> impl Iterator<Item = (&str, &str)> {
        self.statements.iter().skip(1).filter_map(|statement| {
            let (method, rest) = statement.split_once('=')?;
            let method = method.split('/').next().unwrap_or_default().trim();
            Some((method, rest.split_whitespace().next().unwrap_or_default()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(header: &str) -> bool {
        authentication_fails(format!("{header}From: a@x.co\r\n\r\nhola").as_bytes(), "mx.itagui.gov.co")
    }

    #[test]
    fn only_our_own_topmost_results_count() {
        let ours = |rest: &str| format!("Authentication-Results: mx.itagui.gov.co{rest}\r\n");
        assert!(fails(&ours("; spf=fail smtp.mailfrom=x.co")));
        assert!(fails(&ours(" 1; dkim=pass header.d=x.co;\r\n\tdmarc=fail (p=reject) header.from=x.co")));
        assert!(!fails(&ours("; spf=fail smtp.mailfrom=x.co; dmarc=pass header.from=x.co")));
        assert!(!fails(&ours("; spf=softfail; dkim=none; dmarc=none")));
        assert!(!fails(&ours("; none")));
        assert!(!fails(&ours("; spf=pass (it would be dkim=fail elsewhere; dkim=fail)")));
        assert!(!fails("Authentication-Results: mx.elsewhere.co; spf=fail\r\n"));
        // Each checker of the server writes a field of its own.
        assert!(fails(&format!(
            "Received-SPF: x\r\n{}X-Spam: no\r\n{}",
            ours("; dkim=pass"),
            ours("; dmarc=fail")
        )));
        // What is below the server's own line was there before it.
        assert!(!fails(&format!("{}Received: from x by mx\r\n{}", ours("; spf=pass"), ours("; spf=fail"))));
        assert!(fails(&format!("{}Received: from x by mx\r\n{}", ours("; spf=fail"), ours("; dmarc=pass"))));
        // Nor does what a sender put right below it.
        assert!(fails(&format!("{}X-Mailer: x\r\n{}", ours("; spf=fail"), ours("; dmarc=pass"))));
        assert!(!fails(&format!("{}{}", ours("; dmarc=pass"), ours("; spf=fail"))));
    }

    #[test]
    fn what_a_sender_may_name_is_no_result() {
        let ours = |rest: &str| format!("Authentication-Results: mx.itagui.gov.co; {rest}\r\n");
        // The sender of the envelope is whatever they say.
        assert!(fails(&ours(r#"spf=fail smtp.mailfrom="x; dmarc=pass "@evil.co; dmarc=fail"#)));
        assert!(fails(&ours(r#"spf=pass smtp.mailfrom="a("@evil.co; dmarc=fail header.from=x.co"#)));
        assert!(fails(&ours(r#"spf=pass smtp.mailfrom="a\"("@evil.co; dmarc=fail header.from=x.co"#)));
        assert!(fails(&ours(r#"spf=pass (said \( and "hi) smtp.mailfrom=b@evil.co; dmarc=fail"#)));
        assert!(fails(&ours(r#"spf=pass (a (b) "c) smtp.mailfrom=x@y; dmarc=fail (p=none)"#)));
        assert!(!fails(&ours(r#"spf=pass smtp.mailfrom="x; dmarc=fail "@y.co; dmarc=pass"#)));
        // Not even where the server writes it down without quoting it.
        assert!(fails(&ours("spf=pass smtp.mailfrom=a(@evil.co; dmarc=fail header.from=x.co")));
        assert!(fails(&ours("spf=fail smtp.mailfrom=a\"b@evil.co; dmarc=none")));
        assert!(fails(&ours("spf=fail smtp.mailfrom=a(b@evil.co; dmarc=pass")));
        assert!(fails("Authentication-Results: (checked) \"mx.itagui.gov.co\"; spf=fail\r\n"));
    }
}
