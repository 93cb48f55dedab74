//! User input is shown as text everywhere: the same malicious texts are checked in every output.

use std::io::Read;

use serde_json::{Value, json};

use crate::harness::smtp::MailServer;
use crate::harness::states::{improvement_action, minutes, risk};
use crate::harness::{Answer, Client, Database, Desk};

/// Markup, scripts, template syntax, and characters that end a string, an attribute or an element.
const NASTY: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg/onload=alert(3)>]]><b>{{7*7}}${7*7}<%= 7*7 %></td>";
/// A formula that a spreadsheet would evaluate.
const FORMULA: &str = "=cmd|' /C calc'!A0";

/// Checks that a page shows the text, contains no markup from it, and has the protecting headers.
#[track_caller]
fn is_words_alone(page: &Answer, shown: &str) {
    let text = page.text();
    assert!(text.contains(shown), "{shown:?} is not shown: {text}");
    holds_no_markup(&text);
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
}

#[track_caller]
fn holds_no_markup(text: &str) {
    let lower = text.to_lowercase();
    for part in ["<script", "<img src=x", "<svg/onload", "<b>", "]]><", "{{7*7}}${7*7}<"] {
        assert!(!lower.contains(part), "{part:?} is in {text}");
    }
    assert_eq!(lower.contains("alert(1)"), lower.contains("{{7*7}}${7*7}"), "a template ran in {text}");
}

/// The beginning of `NASTY`, escaped in HTML.
const ESCAPED: &str = "&lt;script&gt;alert(1)&lt;";

/// Checks that the answer is JSON, which no browser shows as a page, and contains the text unchanged.
#[track_caller]
fn is_json_with(answer: &Answer, pointer: &str, words: &str) {
    assert_eq!(answer.json().pointer(pointer), Some(&json!(words)), "{}", answer.text());
    assert!(answer.header("content-type").starts_with("application/json"), "{:?}", answer.headers);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

/// A solved ticket with `NASTY` in every text.
fn solved(requester: &Client, technician: &Client, category: &Value) -> String {
    let ticket = json!({"subject": NASTY, "description": NASTY, "category_id": category});
    let one = format!("/tickets/{}", requester.post("/tickets", ticket).created()["id"]);
    technician
        .post(&format!("{one}/classification"), json!({"criticality": "low", "category_id": category}))
        .ok();
    technician.post(&format!("{one}/assignment"), json!({})).ok();
    technician.post(&format!("{one}/acceptance"), crate::harness::states::soon()).ok();
    for visibility in ["public", "private"] {
        technician
            .post(&format!("{one}/followups"), json!({"visibility": visibility, "body": NASTY}))
            .created();
    }
    technician.post(&format!("{one}/hold"), json!({"reason": NASTY})).ok();
    technician.post(&format!("{one}/resumption"), json!({})).ok();
    technician.post(&format!("{one}/solution"), json!({"description": NASTY})).ok();
    one
}

#[test]
fn ticket_texts_are_text_in_json_mail_survey_page_and_csv() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (requester, technician) = (desk.requester(), desk.technician());
    desk.director().patch(&format!("/users/{}", technician.id()), json!({"full_name": NASTY})).ok();
    let category = desk.professional().post("/categories", json!({"name": NASTY})).created();
    let one = solved(&requester, &technician, &category["id"]);

    is_json_with(&requester.get(&one), "/subject", NASTY);
    is_json_with(&requester.get(&one), "/assignee/full_name", NASTY);
    let followups = requester.get(&format!("{one}/followups"));
    let said = followups.items().iter().position(|followup| followup["body"] == NASTY).unwrap();
    is_json_with(&followups, &format!("/items/{said}/body"), NASTY);
    is_json_with(&technician.get("/tickets"), "/items/0/excerpt", NASTY);
    for shown in [
        format!("{one}/timeline"),
        format!("{one}/events"),
        format!("/users/{}/personal-data", requester.id()),
    ] {
        let answer = desk.director().get(&shown);
        assert!(
            answer.json().to_string().contains("<script>")
                && answer.header("content-type").starts_with("application/json")
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }

    desk.send_mail();
    let mails = server.mail();
    assert!(mails.iter().filter(|mail| mail.html().contains(ESCAPED)).count() > 4);
    for mail in &mails {
        holds_no_markup(&mail.html());
        assert!(!mail.html().contains("javascript:") && !mail.subject().contains('\n'));
        assert_eq!(mail.parsed().subparts.len(), 2, "the texts add no MIME part");
        assert_eq!(mail.parsed().subparts[0].ctype.mimetype, "text/plain");
    }

    let page = format!("//s/{}", server.last_with_link().survey_token());
    is_words_alone(&desk.nobody().get(&page), ESCAPED);
    let form = "application/x-www-form-urlencoded";
    let comment = url::form_urlencoded::byte_serialize(NASTY.as_bytes()).collect::<String>();
    let refused = desk.nobody().raw("POST", &page, form, format!("rating-overall=9&comment={comment}"));
    is_words_alone(&refused, ESCAPED);
    for token in ["%3Cscript%3Ealert(1)%3C%2Fscript%3E", "%22onload=%22alert(1)"] {
        let unknown = desk.nobody().get(&format!("//s/{token}"));
        assert!(unknown.status == 404 && !unknown.text().contains("alert("), "{}", unknown.text());
    }

    // Formulas are text in every cell; the module `sheet` tests the subject.
    for formula in [FORMULA, "+1+1", "-1-1", "@SUM(1)", "\t=1", "\r=1"] {
        requester
            .post("/tickets", json!({"subject": format!("{formula} x"), "description": formula}))
            .created();
    }
    let sheet = technician.get("/tickets/export");
    assert_eq!(sheet.header("x-content-type-options"), "nosniff");
    assert!(sheet.header("content-disposition").starts_with("attachment"));
    let text = sheet.text();
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let cells: Vec<String> = reader
        .records()
        .flat_map(|line| line.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert!(cells.iter().any(|cell| cell.contains(FORMULA)) && cells.iter().any(|cell| cell == NASTY));
    for cell in cells {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
    }
}

#[test]
fn reports_show_names_as_text_in_every_format() {
    let desk = Desk::configured(&[("MESA_ENTITY_NAME", NASTY)]);
    let (requester, technician) = (desk.requester(), desk.technician());
    let director = desk.director();
    director.patch(&format!("/users/{}", technician.id()), json!({"full_name": FORMULA})).ok();
    director.patch(&format!("/units/{}", desk.unit_id()), json!({"name": NASTY})).ok();
    let category = desk.professional().post("/categories", json!({"name": NASTY})).created();
    let one = solved(&requester, &technician, &category["id"]);
    let day = director.get(&one).ok()["received_at"].as_str().unwrap()[..7].to_owned();
    let (year, month) = day.split_once('-').unwrap();
    let quarter = format!("/reports/quarterly/{year}/{}", month.parse::<u32>().unwrap().div_ceil(3));
    let report = |format: &str| director.get(&format!("{quarter}?format={format}"));

    is_words_alone(&report("html"), ESCAPED);
    assert!(report("html").text().contains("=cmd|"));
    for format in ["html", "xlsx", "pdf"] {
        assert_eq!(report(format).header("x-content-type-options"), "nosniff", "{format}");
    }
    assert!(report("json").json().to_string().contains("<script>"));

    // Formulas of a workbook are separate elements, and there are none; its texts are strings.
    let sheets = parts_of(&report("xlsx").bytes);
    let all = sheets.iter().map(|(_, xml)| xml.as_str()).collect::<String>();
    assert!(all.contains(ESCAPED) && all.contains("=cmd|"), "the names are missing");
    for (name, xml) in &sheets {
        assert!(
            !xml.contains("<script") && !xml.contains("ddeLink") && !name.contains("externalLink"),
            "{name}"
        );
        if name.contains("worksheets/") {
            assert!(!xml.contains("<f>") && !xml.contains("<hyperlink"), "{name}: {xml}");
        }
    }

    // The PDF contains no actions.
    let pdf = report("pdf").bytes;
    let text = String::from_utf8_lossy(&pdf);
    for action in ["/JavaScript", "/JS", "/OpenAction", "/Launch", "/AA", "/URI", "/EmbeddedFile"] {
        assert!(!text.contains(action), "{action}");
    }
}

/// The name and the text of each file of a ZIP, such as a workbook, whose members are deflated or stored.
fn parts_of(zip: &[u8]) -> Vec<(String, String)> {
    let number = |at: usize, bytes: usize| {
        (0..bytes).rev().fold(0, |sum, place| sum << 8 | usize::from(zip[at + place]))
    };
    let starts = zip.windows(4).enumerate().filter(|(_, four)| *four == b"PK\x01\x02").map(|(at, _)| at);
    let parts = starts.map(|at| {
        let (method, packed, name, local) =
            (number(at + 10, 2), number(at + 20, 4), number(at + 28, 2), number(at + 42, 4));
        let content = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        let content = &zip[content..content + packed];
        let mut bytes = Vec::new();
        match method {
            0 => bytes.extend_from_slice(content),
            _ => drop(flate2::read::DeflateDecoder::new(content).read_to_end(&mut bytes).unwrap()),
        }
        (
            String::from_utf8(zip[at + 46..at + 46 + name].to_vec()).unwrap(),
            String::from_utf8_lossy(&bytes).into_owned(),
        )
    });
    parts.collect()
}

#[test]
fn articles_and_records_are_text_and_the_risk_matrix_has_no_scripts() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let article = json!({
        "title": NASTY, "incident": NASTY, "resolution": NASTY, "steps": [NASTY], "status": "published", "visibility": "public",
        "references": [{"title": NASTY, "url": "https://example.gov.co/?a=%3Cscript%3E"}],
    });
    let one = format!("/kb/articles/{}", id(&director.post("/kb/articles", article.clone()).created()));
    is_json_with(&director.get(&one), "/title", NASTY);
    // Addresses with an executable scheme are rejected.
    for address in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
    ] {
        let mut refused = article.clone();
        refused["references"][0]["url"] = json!(address);
        let refused = director.post("/kb/articles", refused);
        assert_eq!(refused.status, 422, "{address}: {}", refused.text());
    }

    let mut one_risk = risk(technician.id(), "active");
    for field in ["cause", "risk", "effect", "controls", "treatment_plan"] {
        one_risk[field] = json!(NASTY);
    }
    is_json_with(
        &director.get(&format!("/risks/{}", id(&director.post("/risks", one_risk).created()))),
        "/risk",
        NASTY,
    );
    let image = director.get("/risks/matrix?format=svg");
    assert_eq!((image.status, image.header("content-type")), (200, "image/svg+xml"));
    assert_eq!(image.header("x-content-type-options"), "nosniff");
    assert!(image.header("content-security-policy").contains("default-src 'none'"), "{:?}", image.headers);
    let text = image.text();
    assert!(text.contains(ESCAPED));
    for element in
        text.split('<').skip(1).map(|rest| rest.split([' ', '>', '/']).find(|name| !name.is_empty()).unwrap())
    {
        assert!(
            ["svg", "title", "desc", "g", "rect", "text", "tspan", "line"].contains(&element.trim()),
            "{element} in {text}"
        );
    }

    let mut act = minutes(technician.id());
    (act["proceedings"], act["place"], act["agenda"]) = (json!(NASTY), json!("<b>Sala</b>"), json!([NASTY]));
    is_json_with(
        &director.get(&format!("/meeting-minutes/{}", id(&director.post("/meeting-minutes", act).created()))),
        "/proceedings",
        NASTY,
    );
    let mut action = improvement_action(technician.id(), "open");
    action["finding"] = json!(NASTY);
    let action =
        format!("/improvement-actions/{}", id(&director.post("/improvement-actions", action).created()));
    is_json_with(&director.get(&action), "/finding", NASTY);
}

#[test]
fn files_are_downloads_that_browsers_do_not_run() {
    let desk = Desk::configured(&[("MESA_ATTACHMENT_TYPES", "*/*,text/*,image/*,application/*")]);
    let (requester, one) = (desk.requester(), desk.ticket_in("received"));
    let page = "<!DOCTYPE html><html><script>alert(1)</script></html>";
    let image = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for (name, content) in [
        ("page.html", page),
        ("page.txt", page),
        ("image.svg", image),
        ("image.png", image),
        ("<script>alert(1)</script>.txt", "hola"),
        ("a\"; filename=\"b.html.txt", "hola"),
        ("=cmd|' calc'!A0.csv", "=1+1"),
    ] {
        let uploaded = requester.upload(&format!("{one}/attachments"), name, content);
        if uploaded.status == 415 {
            continue;
        }
        let file = uploaded.created();
        let download = requester.get(&format!("/attachments/{}/content", id(&file)));
        assert_eq!(download.status, 200, "{name}");
        let disposition = download.header("content-disposition");
        let shown = disposition.strip_prefix("attachment; filename*=UTF-8''");
        assert!(shown.is_some_and(|shown| !shown.contains(['"', '<', '>', ' ', ';'])), "{disposition}");
        assert_eq!(download.header("x-content-type-options"), "nosniff", "{name}");
        let policy = download.header("content-security-policy");
        assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{name}: {policy}");
        assert!(!policy.contains("allow-"), "{name}: {policy}");
        assert_eq!(download.header("content-type"), file["content_type"].as_str().unwrap());
    }
}

#[test]
fn errors_do_not_reflect_input_as_markup() {
    let desk = Desk::open();
    let technician = desk.technician();
    for path in [
        "//problems/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "//%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/tickets/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/tickets?%3Cscript%3E=1",
        "/tickets?status=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    ] {
        let answer = technician.with("accept", "text/html").get(path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        if !answer.header("content-type").starts_with("application/problem+json") {
            assert!(answer.header("content-type").starts_with("text/html"), "{path}: {:?}", answer.headers);
            holds_no_markup(&answer.text());
        }
    }
    for code in mesa::problem::Code::ALL {
        let page = desk.nobody().get(&format!("//problems/{}", code.as_str()));
        assert!(
            !page.text().contains("<script") && page.header("content-security-policy").contains("'none'")
        );
    }
    let unknown = technician.post("/tickets", json!({NASTY: 1, "subject": "x", "description": "x"}));
    assert!(unknown.header("content-type").starts_with("application/problem+json"));
    assert_eq!(unknown.status, 422);
    // A request id is written to the answer and the log, so only visible characters are accepted.
    let answer = technician.with("x-request-id", "<script>alert(1)</script> x").get("/me");
    assert_eq!(answer.header("x-request-id").len(), 36);
}

/// Words that reveal the database, the code or the machine.
const INSIDE: [&str; 16] = [
    "postgres", "diesel", "select ", "insert ", "relation", "column", "syntax", "panicked", ".rs", "/src/",
    "/home", "/tmp", "libpq", "r2d2", "socket", "os error",
];

#[track_caller]
fn reveals_no_internals(answer: &Answer, status: u16, code: &str) {
    let problem = answer.problem(status, code);
    assert!(problem["request_id"].as_str().is_some_and(|id| id.len() == 36), "{problem}");
    let text = answer.text().to_lowercase();
    for word in INSIDE {
        assert!(!text.contains(word), "{word:?} is in {text}");
    }
}

#[test]
fn server_errors_reveal_no_internals() {
    let files = tempfile::TempDir::new().unwrap();
    let folder = files.path().join("kept").to_str().unwrap().to_owned();
    let desk = Desk::configured(&[("MESA_ATTACHMENTS_URL", &folder)]);
    let (requester, technician, director) = (desk.requester(), desk.technician(), desk.director());
    let one = desk.ticket_in("received");
    let file = requester.upload(&format!("{one}/attachments"), "a.txt", "hola").created();
    // The content of a file is missing, and files cannot be written.
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "no folder").unwrap();
    reveals_no_internals(&requester.get(&format!("/attachments/{}/content", id(&file))), 503, "unavailable");
    let refused = requester.upload(&format!("{one}/attachments"), "b.txt", "hola");
    reveals_no_internals(&refused, 503, "unavailable");
    // A missing table and a failing constraint.
    desk.database.run("ALTER TABLE categories RENAME TO elsewhere");
    reveals_no_internals(&director.get("/categories"), 500, "internal");
    desk.database.run("ALTER TABLE followups ADD CONSTRAINT refused CHECK (body <> 'no')");
    let followup = json!({"visibility": "public", "body": "no"});
    reveals_no_internals(&technician.post(&format!("{one}/followups"), followup), 500, "internal");
    desk.database.run("ALTER TABLE users RENAME TO nobody");
    for answer in [
        technician.get("/me"),
        desk.nobody().post("/auth/login", json!({"email": "a@mesa.test", "password": "una-clave-de-nadie"})),
    ] {
        reveals_no_internals(&answer, 500, "internal");
    }
    desk.database.run("ALTER TABLE nobody RENAME TO users");
    // The database is unreachable.
    let (name, elsewhere) = (&desk.database.name, Database::empty());
    let let_in = |anybody: bool| elsewhere.run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {anybody}"));
    let_in(false);
    elsewhere.run(&format!(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
    ));
    for gone in [technician.get("/me"), desk.nobody().get("//health/ready")] {
        reveals_no_internals(&gone, 503, "unavailable");
    }
    let_in(true);
}
