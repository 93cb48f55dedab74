//! Only `Authentication-Results` that the entity's servers added count, according to the `Received` fields above them.

use serde_json::Value;

use crate::harness::Desk;
use crate::inbound::{ALIGNED, MAIL, became, message};

const REFUSED: &str = "Authentication-Results: mx.mesa.test; dmarc=fail header.from=mesa.test\n";
const EDGE: &str =
    "Received: from mx.evil.test by mx.mesa.test with ESMTPS;\n\tMon, 23 Nov 2026 10:00:00 -0500\n";
const INNER: &str =
    "Received: from mx.mesa.test by buzon.mesa.test with LMTP;\n\tMon, 23 Nov 2026 10:00:01 -0500\n";
const THEIRS: &str = "Received: from x by mx.mesa.test with ESMTPS;\n\tMon, 23 Nov 2026 09:59:59 -0500\n";

/// The outcome of a message from the director with these trace fields.
fn outcome(desk: &Desk, fields: &str) -> String {
    // Mail servers put their fields above those of the author.
    let email = became(desk, format!("{fields}{}", message("director@mesa.test", "Sin red", "", fields)));
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    format!("{} {} {}", text(&email["status"]), text(&email["reason"]), text(&email["authentication"]))
}

const ACCEPTED: &str = "processed - aligned";
const UNVERIFIED: &str = "set_aside sender_unverified unverified";

#[test]
fn results_below_the_servers_of_the_entity_do_not_count() {
    let desk = Desk::configured(MAIL);
    for (fields, expected) in [
        // Postfix with a milter, above or below its own field, with and without a delivery over LMTP.
        (format!("{ALIGNED}{EDGE}"), ACCEPTED),
        (format!("{EDGE}{ALIGNED}{THEIRS}"), ACCEPTED),
        (format!("{INNER}{EDGE}{ALIGNED}{THEIRS}{THEIRS}"), ACCEPTED),
        // Both a genuine and a forged result.
        (format!("{INNER}{EDGE}{ALIGNED}{THEIRS}{REFUSED}"), ACCEPTED),
        (format!("{INNER}{EDGE}{REFUSED}{THEIRS}{ALIGNED}"), "set_aside authentication_failed failed"),
        // The mail server added no result.
        (format!("{INNER}{EDGE}{THEIRS}{ALIGNED}"), UNVERIFIED),
        (format!("{INNER}{EDGE}{THEIRS}{REFUSED}"), UNVERIFIED),
    ] {
        assert_eq!(outcome(&desk, &fields), expected, "{fields}");
    }
}

#[test]
fn the_number_of_servers_is_configured() {
    let desk = Desk::configured(&[MAIL, &[("MESA_MAIL_HOPS", "0")]].concat());
    assert_eq!(outcome(&desk, &format!("{ALIGNED}{EDGE}")), ACCEPTED);
    assert_eq!(outcome(&desk, &format!("{EDGE}{ALIGNED}")), UNVERIFIED);
}
