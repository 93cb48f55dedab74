//! Each page of a list has an `ETag` of what its reader receives, so that polling it costs no body.

use serde_json::json;

use crate::harness::Desk;
use crate::operations::operations;

#[test]
fn every_list_has_a_tag_and_answers_304_to_it() {
    let desk = Desk::open();
    let document = desk.nobody().get("//openapi.json").ok();
    let director = desk.director();
    let mut lists = 0;
    for operation in operations(&desk) {
        let contract = &document["paths"][&operation.template]["get"];
        let schema = contract["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].as_str();
        if operation.method != "GET" || !schema.is_some_and(|name| name.ends_with("Page")) {
            continue;
        }
        let needed =
            operation.parameters.iter().filter(|each| each["required"] == true && each["in"] == "query");
        let days = needed.filter_map(|each| Some(format!("{}=2026-07-01", each["name"].as_str()?)));
        // Without a moment, the page contains the current time.
        let moment =
            (operation.id == "listAvailability").then(|| "available_at=2026-12-01T15:00:00Z".to_owned());
        let query = days.chain(moment).collect::<Vec<_>>().join("&");
        let path = &format!("{}?{query}", operation.path);
        let page = director.get(path);
        page.ok();
        let tag = page.header("etag");
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 20, "{path}: {tag}");
        let same = director.with("if-none-match", tag).get(path);
        assert_eq!((same.status, same.bytes.len(), same.header("etag")), (304, 0, tag), "{path}");
        assert_eq!(same.header("cache-control"), "no-store");
        assert!(same.headers.get_all("vary").iter().any(|value| value == "Authorization"), "{path}");
        for known in [format!("W/{tag}"), format!("\"1\", {tag}"), "*".to_owned()] {
            assert_eq!(director.with("if-none-match", known).get(path).status, 304, "{path}");
        }
        assert_eq!(director.with("if-none-match", "\"1\"").get(path).status, 200, "{path}");

        // The contract has all of it.
        let names: Vec<&str> = contract["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|each| each["$ref"].as_str().or(each["name"].as_str()))
            .collect();
        assert!(names.contains(&"#/components/parameters/If-None-Match"), "{path}: {names:?}");
        assert!(contract["responses"]["200"]["headers"]["ETag"].is_object(), "{path}");
        assert!(contract["responses"]["304"].is_object(), "{path}");
        lists += 1;
    }
    assert!(lists >= 43, "{lists}");
}

#[test]
fn a_tag_belongs_to_the_page_that_its_reader_receives() {
    let desk = Desk::open();
    let (requester, technician, director) = (desk.requester(), desk.technician(), desk.director());
    let one = desk.ticket_in("in_progress");
    desk.ticket_in("in_progress");
    let tag = |path: &str| technician.get(path).header("etag").to_owned();
    let first = tag("/tickets");
    assert_eq!(first, tag("/tickets"));
    // Another page, order, or part of the same list.
    for other in ["limit=1", "sort=received_at", "with_total=true", "expand=followups"] {
        assert_ne!(tag(&format!("/tickets?{other}")), first, "{other}");
    }
    // The steps that a ticket allows depend on the role.
    assert_ne!(requester.get("/tickets").header("etag"), first);

    // A change of an item, a new item, and a new name that the page shows.
    let known = |tag: &str| technician.with("if-none-match", tag).get("/tickets").status;
    assert_eq!(known(&first), 304);
    technician.post(&format!("{one}/hold"), json!({"reason": "Falta el repuesto."})).ok();
    assert_eq!(known(&first), 200);
    let held = tag("/tickets");
    desk.ticket_in("received");
    assert_eq!(known(&held), 200);
    let longer = tag("/tickets");
    director.patch(&format!("/users/{}", technician.id()), json!({"full_name": "Otro Nombre"})).ok();
    assert_eq!(known(&longer), 200);

    // Two readers who see the same have the same tag, which reveals nothing.
    assert_eq!(director.get("/categories").header("etag"), technician.get("/categories").header("etag"));
    // A tag of a list is no version: a change with it is refused.
    let stale = technician.with("if-match", tag("/tickets"));
    stale.post(&format!("{one}/resumption"), json!({})).problem(412, "precondition_failed");
}

#[test]
fn a_private_followup_changes_the_tags_of_staff_alone() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let one = desk.ticket_in("in_progress");
    let paths =
        ["/tickets?expand=followups".to_owned(), format!("{one}/followups"), format!("{one}/timeline")];
    let tags = || -> Vec<[String; 2]> {
        let both =
            |path: &String| [&requester, &technician].map(|who| who.get(path).header("etag").to_owned());
        paths.iter().map(both).collect()
    };
    let before = tags();
    let entry = json!({"visibility": "private", "body": "El puerto 12 está caído."});
    technician.post(&format!("{one}/followups"), entry).created();
    for ([mine, theirs], [mine_then, theirs_then]) in before.into_iter().zip(tags()) {
        assert_eq!(mine, mine_then);
        assert_ne!(theirs, theirs_then);
    }
}

#[test]
fn a_list_as_a_document_has_a_tag_and_one_that_is_streamed_has_none() {
    let desk = Desk::open();
    let technician = desk.technician();
    let json = technician.get("/risks").header("etag").to_owned();
    for format in ["html", "xlsx", "pdf"] {
        let path = format!("/risks?format={format}");
        let document = technician.get(&path);
        document.expect_status(200);
        assert_ne!(document.header("etag"), json, "{format}");
        let same = technician.with("if-none-match", document.header("etag")).get(&path);
        assert_eq!((same.status, same.bytes.len()), (304, 0), "{format}");
    }
    assert_eq!(technician.get("/tickets/export").header("etag"), "");
    let head = technician.raw("HEAD", "/risks", "application/json", "");
    assert_eq!((head.header("etag"), head.bytes.len()), (json.as_str(), 0));
}
