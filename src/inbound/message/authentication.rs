//! Whether the entity's own mail server verified that a message comes from the domain of its author.

use super::authentication_results::{AuthenticationResults, MethodResult, topmost};
use super::header_end::split;
use super::headers::Headers;
use super::without_envelope;

/// The result of the mail server's checks of the author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It verified the domain of `From`.
    Aligned,
    /// It states that the message is not from that domain.
    Failed,
    /// Neither.
    Unverified,
}

/// The verdict of the mail server with this name, from its `Authentication-Results` (RFC 8601). Only fields below at
/// most `hops` fields `Received` count. Rules, the first that applies:
///
/// 1. `Aligned` if its topmost field has `dmarc=pass` with `header.from` equal to the domain of `From`.
/// 2. `Failed` if one of its topmost fields, those that follow one another, has `dmarc=fail`.
/// 3. `Aligned` if its topmost field has `dkim=pass` with `header.d` (without it, `header.i`) or `spf=pass` with
///    `smtp.mailfrom` in alignment with the domain of `From`: the same domain, or one is a subdomain of the other.
/// 4. `Failed` if one of its topmost fields has `fail` or `hardfail` for SPF, DKIM or DMARC.
/// 5. Otherwise `Unverified`: a missing field, `none`, `neutral`, `softfail`, `policy`, `temperror`, `permerror`, and
///    `pass` for another domain. RFC 7208 (8.5) asks that a message is not refused for `softfail` alone.
///
/// Only one field can verify, since a sender can place another directly below it. Alignment is relaxed (RFC 7489, 3.1)
/// without a list of public suffixes: two subdomains of one domain are aligned by `dmarc=pass` alone. A domain that is
/// not in ASCII is only equal to itself as written. A message with several authors, with a bare CR or with NUL in its
/// header is never `Aligned`.
pub fn verdict(bytes: &[u8], authserv_id: &str, hops: usize) -> Verdict {
    let bytes = without_envelope(bytes);
    let (header, _) = split(bytes);
    // With the end of the empty line below it.
    let whole_header = &bytes[..bytes.len().min(header.len() + 2)];
    let Ok(headers) = Headers::read(header) else { return Verdict::Unverified };
    let fields = topmost(headers.fields(), authserv_id, hops);
    let Some(first) = fields.first() else { return Verdict::Unverified };
    let author = headers.from().filter(|_| headers.has_one_author() && !has_stray_controls(whole_header));
    let from = author.and_then(|author| domain(&author.address)).filter(|_| first.is_well_formed);
    let from = from.as_deref();
    if from.is_some_and(|from| passes_dmarc(first, from)) {
        Verdict::Aligned
    } else if any(&fields, |one| one.method == "dmarc" && one.result == "fail") {
        Verdict::Failed
    } else if from.is_some_and(|from| first.results.iter().any(|one| is_aligned_pass(one, from))) {
        Verdict::Aligned
    } else if any(&fields, is_failure) {
        Verdict::Failed
    } else {
        Verdict::Unverified
    }
}

fn any(fields: &[AuthenticationResults], is_wanted: impl Fn(&MethodResult) -> bool) -> bool {
    fields.iter().flat_map(|field| &field.results).any(is_wanted)
}

/// Every DMARC result of the field is a pass for this domain. There should be one.
fn passes_dmarc(field: &AuthenticationResults, from: &str) -> bool {
    let mut results = field.results.iter().filter(|one| one.method == "dmarc").peekable();
    let is_for_author = |one: &MethodResult| {
        one.result == "pass" && one.property("header.from").and_then(domain).as_deref() == Some(from)
    };
    results.peek().is_some() && results.all(is_for_author)
}

fn is_aligned_pass(one: &MethodResult, from: &str) -> bool {
    let verified = match one.method.as_str() {
        "dkim" => one.property("header.d").or_else(|| one.property("header.i")),
        "spf" => one.property("smtp.mailfrom"),
        _ => None,
    };
    one.result == "pass" && verified.and_then(domain).is_some_and(|verified| are_aligned(&verified, from))
}

fn is_failure(one: &MethodResult) -> bool {
    matches!(one.method.as_str(), "dmarc" | "spf" | "dkim")
        && matches!(one.result.as_str(), "fail" | "hardfail")
}

fn are_aligned(one: &str, other: &str) -> bool {
    // A domain of one label, such as `co`, is a parent of unrelated domains.
    let is_below = |domain: &str, parent: &str| {
        parent.contains('.') && domain.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
    };
    one == other || is_below(one, other) || is_below(other, one)
}

/// The domain of an address, or the domain itself, in lower case and without a dot at its end; none if it is not
/// valid.
fn domain(text: &str) -> Option<String> {
    let text = text.rsplit('@').next().unwrap_or_default().trim_end_matches('>');
    let domain = text.strip_suffix('.').unwrap_or(text).to_lowercase();
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    domain.split('.').all(is_label).then_some(domain)
}

/// A bare CR or NUL, which programs interpret differently as the end of a field.
fn has_stray_controls(header: &[u8]) -> bool {
    let ends_line = |at: usize| header.get(at + 1).is_none_or(|next| *next == b'\n');
    header.iter().enumerate().any(|(at, byte)| *byte == 0 || *byte == b'\r' && !ends_line(at))
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Aligned, Failed, Unverified};
    use super::*;

    const OURS: &str = "mx.itagui.gov.co";
    const HOPS: usize = 2;

    fn read(fields: &str, from: &str) -> Verdict {
        within(HOPS, fields, from)
    }

    fn within(hops: usize, fields: &str, from: &str) -> Verdict {
        verdict(format!("{fields}From: {from}\r\nSubject: x\r\n\r\nhola").as_bytes(), OURS, hops)
    }

    /// The verdict about a message from `ana@itagui.gov.co` with these results.
    fn with(results: &str) -> Verdict {
        read(&own_results(results), "ana@itagui.gov.co")
    }

    fn own_results(results: &str) -> String {
        format!("Authentication-Results: {OURS}; {results}\r\n")
    }

    #[test]
    fn each_result_has_its_verdict() {
        for (results, expected) in [
            ("dmarc=pass (p=reject dis=none) header.from=itagui.gov.co", Aligned),
            ("DMARC=Pass HEADER.FROM=Itagui.GOV.co", Aligned),
            ("spf=fail smtp.mailfrom=x.co; dmarc=pass header.from=itagui.gov.co", Aligned),
            ("dkim=pass header.d=itagui.gov.co; dmarc=none", Aligned),
            ("dkim=pass header.i=@correo.itagui.gov.co", Aligned),
            ("dkim=fail header.d=lista.co; dkim=pass header.d=correo.itagui.gov.co", Aligned),
            ("spf=pass smtp.mailfrom=rebotes@correo.itagui.gov.co; dmarc=none", Aligned),
            ("spf=pass smtp.mailfrom=itagui.gov.co", Aligned),
            ("spf=pass smtp.mailfrom=prvs=ana=@itagui.gov.co", Aligned),
            ("dkim = pass header.d = itagui.gov.co", Aligned),
            ("dmarc=temperror header.from=itagui.gov.co; dkim=pass header.d=itagui.gov.co", Aligned),
            // The pass is for another domain.
            ("spf=pass smtp.mailfrom=x@evil.co; dkim=pass header.d=evil.co; dmarc=none", Unverified),
            ("dmarc=pass header.from=evil.co", Unverified),
            ("dmarc=pass", Unverified),
            ("dmarc=pass header.from=correo.itagui.gov.co", Unverified),
            ("dkim=pass header.d=itagui.gov.co.evil.co", Unverified),
            ("dkim=pass header.d=evilitagui.gov.co", Unverified),
            ("dkim=pass header.d=co", Unverified),
            ("dkim=pass header.d=evil.co header.i=@itagui.gov.co", Unverified),
            ("dkim=pass", Unverified),
            ("spf=pass smtp.helo=itagui.gov.co", Unverified),
            ("spf=pass smtp.mailfrom=itagui.gov.co@evil.co", Unverified),
            ("auth=pass smtp.auth=ana@itagui.gov.co", Unverified),
            // Neither a pass nor a failure.
            ("none", Unverified),
            ("spf=softfail smtp.mailfrom=itagui.gov.co; dkim=none; dmarc=none", Unverified),
            ("spf=permerror smtp.mailfrom=itagui.gov.co", Unverified),
            ("dmarc=permerror; spf=temperror; dkim=neutral; dkim=policy", Unverified),
            ("dmarc=bestguesspass header.from=itagui.gov.co", Unverified),
            // A failure.
            ("spf=fail smtp.mailfrom=itagui.gov.co", Failed),
            ("spf=hardfail smtp.mailfrom=itagui.gov.co; dmarc=none", Failed),
            ("dkim=fail header.d=itagui.gov.co", Failed),
            ("dmarc=fail (p=none) header.from=itagui.gov.co; dkim=pass header.d=evil.co", Failed),
            ("dmarc=fail header.from=itagui.gov.co; dkim=pass header.d=itagui.gov.co", Failed),
            ("dmarc=pass header.from=itagui.gov.co; dmarc=fail header.from=itagui.gov.co", Failed),
            ("spf=pass smtp.mailfrom=evil.co; dkim=fail header.d=itagui.gov.co", Failed),
        ] {
            assert_eq!(with(results), expected, "{results}");
        }
        assert_eq!(read("", "ana@itagui.gov.co"), Unverified);
        assert_eq!(with("dmarc=pass header.from=itagui.gov.co; dmarc=none"), Unverified);
    }

    #[test]
    fn only_the_topmost_field_of_our_server_verifies() {
        let from = "ana@itagui.gov.co";
        let pass = own_results("dmarc=pass header.from=itagui.gov.co");
        let elsewhere = "Authentication-Results: mx.elsewhere.co; dmarc=pass header.from=itagui.gov.co\r\n";
        let longer =
            format!("Authentication-Results: {OURS}.evil.co; dmarc=pass header.from=itagui.gov.co\r\n");
        assert_eq!(read(elsewhere, from), Unverified);
        assert_eq!(read(&longer, from), Unverified);
        assert_eq!(read(&format!("Received: by {OURS}\r\n{elsewhere}{pass}"), from), Aligned);
        // A field that the sender placed below that of the server, directly or not.
        for ours in [
            own_results("spf=pass smtp.mailfrom=evil.co; dmarc=none"),
            own_results("none"),
            own_results("spf=softfail"),
        ] {
            assert_eq!(read(&format!("{ours}{pass}"), from), Unverified, "{ours}");
            assert_eq!(read(&format!("{ours}X-Mailer: x\r\n{pass}"), from), Unverified, "{ours}");
            assert_eq!(read(&format!("{ours}Received: from x by mx\r\n{pass}"), from), Unverified, "{ours}");
        }
        assert_eq!(read(&format!("{}{pass}", own_results("spf=fail")), from), Failed);
        // Each checker of the server may write a separate field; fields further down were in the message before.
        assert_eq!(
            read(&format!("{}X-Spam: no\r\n{}", own_results("dkim=pass"), own_results("dmarc=fail")), from),
            Failed
        );
        assert_eq!(read(&format!("{pass}{}", own_results("spf=fail")), from), Aligned);
        let before =
            format!("{}Received: from x by mx\r\n{}", own_results("spf=pass"), own_results("spf=fail"));
        assert_eq!(read(&before, from), Unverified);
        let folded = format!(
            "AUTHENTICATION-results: {} 1;\r\n\tdmarc=pass\r\n\theader.from=itagui.gov.co\r\n",
            OURS.to_uppercase()
        );
        assert_eq!(read(&folded, from), Aligned);
    }

    #[test]
    fn a_field_below_more_received_fields_than_the_hops_does_not_count() {
        let from = "ana@itagui.gov.co";
        let pass = own_results("dmarc=pass header.from=itagui.gov.co");
        let fail = own_results("dmarc=fail header.from=itagui.gov.co");
        let received =
            |by: &str| format!("RECEIVED : from x by {by};\r\n\tMon, 23 Nov 2026 10:00:00 -0500\r\n");
        let (edge, inner, theirs) = (received(OURS), received("buzon.itagui.gov.co"), received("mx.evil.co"));
        // The border server of the entity adds its results above or below its own `Received`; further servers of the
        // entity add theirs on top.
        for (hops, above) in [
            (0, String::new()),
            (1, edge.clone()),
            (2, format!("{inner}{edge}")),
            (2, format!("Return-Path: <a@x.co>\r\n{inner}X-Received: by x\r\nARC-Seal: i=1\r\n{edge}")),
            (3, format!("{inner}{inner}{edge}")),
        ] {
            let whole = format!("{above}{pass}{theirs}");
            assert_eq!(within(hops, &whole, from), Aligned, "{hops} {whole}");
            assert_eq!(within(hops + 1, &whole, from), Aligned, "{hops} {whole}");
            if hops > 0 {
                assert_eq!(within(hops - 1, &whole, from), Unverified, "{hops} {whole}");
            }
            // A forged one further down neither counts nor hides it.
            let both = format!("{above}{fail}{theirs}{pass}");
            assert_eq!(within(hops, &both, from), Failed, "{hops} {both}");
        }
        // The server adds nothing and removes nothing.
        for forged in [&pass, &fail] {
            assert_eq!(within(0, &format!("{edge}{forged}"), from), Unverified);
            assert_eq!(within(1, &format!("{inner}{edge}{forged}"), from), Unverified);
            assert_eq!(read(&format!("{inner}{edge}{theirs}{forged}"), from), Unverified);
        }
    }

    #[test]
    fn text_that_the_sender_chose_is_no_result() {
        for results in [
            r#"spf=fail smtp.mailfrom="x; dmarc=pass header.from=itagui.gov.co; "@evil.co; dmarc=fail"#,
            r#"spf=pass smtp.mailfrom="a("@evil.co; dmarc=fail header.from=itagui.gov.co"#,
            r#"spf=pass smtp.mailfrom="a\"("@evil.co; dmarc=fail header.from=itagui.gov.co"#,
            r#"spf=pass (said \( and "hi) smtp.mailfrom=b@evil.co; dmarc=fail"#,
            "spf=pass smtp.mailfrom=a(@evil.co; dmarc=fail header.from=itagui.gov.co",
            "spf=fail smtp.mailfrom=a\"b@evil.co; dmarc=pass header.from=itagui.gov.co",
        ] {
            assert_eq!(with(results), Failed, "{results}");
        }
        for results in [
            r#"spf=pass smtp.mailfrom="x; dkim=pass header.d=itagui.gov.co; "@evil.co"#,
            r#"spf=pass smtp.mailfrom="ana@itagui.gov.co"@evil.co"#,
            r#"spf=pass smtp.mailfrom="x header.d=itagui.gov.co"@evil.co"#,
            "spf=pass (dkim=pass header.d=itagui.gov.co; dmarc=pass header.from=itagui.gov.co)",
            "spf=none smtp.mailfrom=a(@evil.co; dmarc=pass header.from=itagui.gov.co",
            "spf=pass smtp.mailfrom=x smtp.mailfrom=itagui.gov.co y@evil.co",
            "dkim=pass reason=\"header.d=itagui.gov.co\" header.d=evil.co",
        ] {
            assert_eq!(with(results), Unverified, "{results}");
        }
    }

    #[test]
    fn the_domain_is_that_of_the_one_author() {
        let pass = |domain: &str| {
            own_results(&format!("dmarc=pass header.from={domain}; dkim=pass header.d={domain}"))
        };
        let evil = pass("evil.co");
        for (fields, from, expected) in [
            (pass("itagui.gov.co"), "Ana <Ana@ITAGUI.gov.co>", Aligned),
            // A name is not an address, even if it looks like one.
            (evil.clone(), "\"ana@itagui.gov.co\" <x@evil.co>", Aligned),
            (pass("itagui.gov.co"), "\"ana@itagui.gov.co\" <x@evil.co>", Unverified),
            (evil.clone(), "ana@itagui.gov.co <x@evil.co>", Aligned),
            (pass("itagui.gov.co"), "ana@itagui.gov.co <x@evil.co>", Unverified),
            // Several authors, and a group of one.
            (evil.clone(), "ana@itagui.gov.co, x@evil.co", Unverified),
            (pass("itagui.gov.co"), "ana@itagui.gov.co, luz@itagui.gov.co", Unverified),
            (pass("itagui.gov.co"), "Mesa: ana@itagui.gov.co;", Unverified),
            (evil.clone(), "ana@itagui.gov.co, <x@evil.co\u{200b}>", Unverified),
            (pass("itagui.gov.co"), "ana@itagui.gov.co\r\nFrom: x@evil.co", Unverified),
            (evil.clone(), "ana@itagui.gov.co\r\nSender: x@evil.co\r\nReply-To: x@evil.co", Unverified),
            (
                evil.clone(),
                "ana@itagui.gov.co\r\nResent-From: x@evil.co\r\nResent-Sender: x@evil.co",
                Unverified,
            ),
            (evil.clone(), "ana@itagui.gov.co.evil.co", Aligned),
            (pass("itagui.gov.co.evil.co"), "ana@itagui.gov.co", Unverified),
            // Letters that look alike are different letters.
            (pass("xn--itagu-3ya.gov.co"), "ana@itagui.gov.co", Unverified),
            (pass("itag\u{fc}i.gov.co"), "ana@itag\u{dc}i.gov.co", Aligned),
            (pass("itag\u{fc}i.gov.co"), "ana@itagui.gov.co", Unverified),
            (pass("itagui.gov.co"), "x\r\rFrom: ana@itagui.gov.co", Unverified),
            (pass("itagui.gov.co"), "ana@itagui.gov.co\r\nX: a\rFrom: luz@itagui.gov.co", Unverified),
            (pass("itagui.gov.co"), "ana@itagui.gov.co\r\nX: \0", Unverified),
            // Forms that had to be repaired.
            (pass("itagui.gov.co"), "<@evil.co:ana@itagui.gov.co>", Unverified),
            (evil.clone(), "<@evil.co:ana@itagui.gov.co>", Unverified),
            (pass("itagui.gov.co"), "\"ana\"@itagui.gov.co", Unverified),
            (pass("itagui.gov.co"), "ana@itagui.gov.co [mailto:ana@itagui.gov.co]", Unverified),
            (pass("itagui.gov.co"), "<SMTP:ana@itagui.gov.co>", Unverified),
            (pass("itagui.gov.co"), "<ana@itagui.gov.co> <ana@itagui.gov.co>", Unverified),
            (pass("itagui.gov.co"), "Ana <\u{200b}ana@itagui.gov.co>", Unverified),
            (pass("itagui.gov.co"), "Ana &lt;ana@itagui.gov.co&gt;", Unverified),
            (pass("itagui.gov.co"), "Ana \u{ff1c}ana@itagui.gov.co\u{ff1e}", Unverified),
            (evil.clone(), "ana@itagui.gov.co\u{ff1c}x@evil.co\u{ff1e}", Unverified),
            // A comment is not an address.
            (evil.clone(), "x@evil.co (ana@itagui.gov.co)", Aligned),
            (pass("itagui.gov.co"), "x@evil.co (ana@itagui.gov.co)", Unverified),
        ] {
            assert_eq!(read(&fields, from), expected, "{fields}From: {from}");
        }
    }

    #[test]
    fn a_field_with_a_space_before_its_colon_is_not_verified() {
        let pass = own_results("dmarc=pass header.from=itagui.gov.co");
        for fields in [
            "From : ana@itagui.gov.co",
            "From\t: ana@itagui.gov.co",
            "From : a@evil.co\r\nFrom: ana@itagui.gov.co",
        ] {
            let first = format!("{fields}\r\n{pass}\r\nhola");
            let second = format!("{pass}{fields}\r\n\r\nhola");
            assert_eq!(verdict(first.as_bytes(), OURS, HOPS), Unverified, "{first}");
            assert_eq!(verdict(second.as_bytes(), OURS, HOPS), Unverified, "{second}");
        }
    }

    #[test]
    fn domains_are_aligned_where_one_contains_the_other() {
        for (one, other, expected) in [
            ("itagui.gov.co", "itagui.gov.co", true),
            ("correo.itagui.gov.co", "itagui.gov.co", true),
            ("itagui.gov.co.evil.co", "itagui.gov.co", false),
            ("xitagui.gov.co", "itagui.gov.co", false),
            ("correo.itagui.gov.co", "web.itagui.gov.co", false),
            ("co", "itagui.gov.co", false),
        ] {
            assert_eq!(
                (are_aligned(one, other), are_aligned(other, one)),
                (expected, expected),
                "{one} {other}"
            );
        }
    }
}
