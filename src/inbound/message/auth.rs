//! What our own mail server found out about the sender: `Authentication-Results` (RFC 8601).

use super::headers::{Field, Headers};
use super::{mime, without_envelope};

/// Whether the server of this name says of the message that SPF, DKIM or DMARC fail. Only its topmost results count, those
/// that stand together: whatever is below may have been there before. Where DMARC passes, the sender is who they say,
/// though one of the other two may fail on the way.
pub fn authentication_fails(bytes: &[u8], authserv_id: &str) -> bool {
    let (header, _) = mime::split(without_envelope(bytes));
    let Ok(headers) = Headers::read(header) else { return false };
    let mut failed = false;
    for (method, result) in topmost(headers.fields(), authserv_id).iter().flat_map(|value| results(value)) {
        match (method.as_str(), result.as_str()) {
            ("dmarc", "pass") => return false,
            ("dmarc" | "spf" | "dkim", "fail") => failed = true,
            _ => {}
        }
    }
    failed
}

/// The values of the topmost fields by this server that follow one another; fields that servers add beside them may stand
/// between.
fn topmost(fields: Vec<Field>, authserv_id: &str) -> Vec<String> {
    let ours = |field: &Field| {
        let named = field.value.split([';', ' ', '\t', '(']).next().unwrap_or_default();
        field.name == "authentication-results" && named.eq_ignore_ascii_case(authserv_id)
    };
    let beside = |field: &Field| {
        field.name == "authentication-results"
            || field.name == "received-spf"
            || field.name.starts_with("arc-")
            || field.name.starts_with("x-")
    };
    let rest = fields.into_iter().skip_while(|field| !ours(field));
    rest.take_while(beside).filter(ours).map(|field| field.value).collect()
}

/// Method and result of each statement of one field.
fn results(value: &str) -> Vec<(String, String)> {
    let plain = without_comments(value);
    let statements = plain.split(';').skip(1);
    let results = statements.filter_map(|statement| {
        let (method, rest) = statement.trim().split_once('=')?;
        let method = method.split('/').next().unwrap_or_default().trim().to_ascii_lowercase();
        let result = rest.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        Some((method, result))
    });
    results.collect()
}

fn without_comments(value: &str) -> String {
    let mut depth = 0_usize;
    let mut plain = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain
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
    }
}
