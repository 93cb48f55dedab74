//! Lists of tickets: summaries, the steps that the reader may take, and the filters by time.

use chrono::{Duration, Utc};
use serde_json::{Value, json};

use crate::harness::{Client, Desk};

fn numbers(client: &Client, query: &str) -> Vec<i64> {
    let items = client.get(&format!("/tickets?sort=received_at&{query}")).items();
    items.iter().map(|ticket| ticket["id"].as_i64().unwrap()).collect()
}

#[test]
fn a_list_has_an_excerpt_and_neither_documents_nor_telephones() {
    let desk = Desk::open();
    let requester = desk.requester();
    let long = format!("No hay red.\n\n{}", "Piso tres, oficina doce. ".repeat(40));
    for description in [long.as_str(), "No hay red."] {
        requester.post("/tickets", json!({"subject": "Sin red", "description": description})).created();
    }
    let answer = desk.technician().get("/tickets?sort=received_at");
    let items = answer.items();
    let excerpts: Vec<&str> = items.iter().map(|ticket| ticket["excerpt"].as_str().unwrap()).collect();
    assert!(excerpts[0].starts_with("No hay red. Piso tres") && excerpts[0].ends_with('…'), "{excerpts:?}");
    assert!(excerpts[0].chars().count() <= 200);
    assert_eq!(excerpts[1], "No hay red.");
    let whole = desk.technician().get("/tickets/1").ok();
    for hidden in ["document_id", "contact"] {
        assert!(!whole["requester"][hidden].is_null());
        assert_eq!(items[0]["requester"].get(hidden), None, "{hidden}");
    }
    assert_eq!(items[0].get("description"), None);
}

#[test]
fn allowed_steps_are_those_of_the_reader() {
    let desk = Desk::open();
    let one = desk.ticket_in("in_progress");
    let steps = |client: &Client| {
        let (read, listed) = (client.get(&one).ok(), client.get("/tickets").items()[0].clone());
        assert_eq!(read["allowed_steps"], listed["allowed_steps"]);
        read["allowed_steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step.as_str().unwrap().to_owned())
            .collect()
    };
    let [requester, assignee, colleague]: [Vec<String>; 3] =
        [desk.requester(), desk.technician(), desk.professional()].map(|client| steps(&client));
    assert_eq!(requester, ["followups", "attachments", "archive"]);
    assert!(assignee.contains(&"solution".to_owned()) && !colleague.contains(&"solution".to_owned()));
    assert!(colleague.contains(&"assignment".to_owned()), "{colleague:?}");
    // There is no level below the first.
    assert!(colleague.contains(&"escalations".to_owned()) || !colleague.contains(&"return".to_owned()));
    assert!(!assignee.contains(&"return".to_owned()), "{assignee:?}");
    // A refusal names the same steps.
    let refused =
        desk.requester().post(&format!("{one}/closure"), json!({})).problem(409, "step_not_allowed");
    assert_eq!(refused["allowed_steps"], json!(requester));
}

#[test]
fn filters_by_time_include_their_beginning_and_exclude_their_end() {
    let desk = Desk::open();
    let technician = desk.technician();
    for state in ["received", "assigned", "in_progress"] {
        desk.ticket_in(state);
    }
    let at = |number: i64, field: &str| {
        let ticket = technician.get(&format!("/tickets/{number}")).ok();
        ticket[field].as_str().unwrap().replace('+', "%2B")
    };
    for field in ["updated_at", "attention_due_at", "scheduled_for"] {
        let name = field.trim_end_matches("_at");
        let moment = at(3, field);
        assert!(numbers(&technician, &format!("{name}_from={moment}")).contains(&3), "{field}");
        assert!(!numbers(&technician, &format!("{name}_before={moment}")).contains(&3), "{field}");
        let later = (Utc::now() + Duration::days(300)).format("%Y-%m-%dT%H:%M:%SZ");
        assert!(numbers(&technician, &format!("{name}_before={later}")).contains(&3), "{field}");
    }
    assert_eq!(numbers(&technician, "scheduled_for_from=2000-01-01T00:00:00Z"), [3]);
}

#[test]
fn every_filter_can_be_repeated() {
    let desk = Desk::open();
    let (technician, professional) = (desk.technician(), desk.professional());
    for state in ["received", "escalated", "solved"] {
        desk.ticket_in(state);
    }
    let me = technician.id();
    let other = professional.id();
    let requester = desk.requester().id().to_owned();
    for (query, expected) in [
        ("support_level=1&support_level=2".to_owned(), vec![1, 2, 3]),
        ("support_level=2".to_owned(), vec![2]),
        (format!("requester_id={requester}&requester_id={other}"), vec![1, 2, 3]),
        (format!("solved_by_id={me}&solved_by_id={other}"), vec![3]),
        (format!("accepted_by_id={me}&accepted_by_id={other}"), vec![2, 3]),
        (format!("escalated_by_id={me}&escalated_by_id={other}"), vec![2]),
        ("escalated_to_level=2&escalated_to_level=3".to_owned(), vec![2]),
        ("solved_support_level=1&solved_support_level=2".to_owned(), vec![3]),
        ("accepted_support_level=1&accepted_support_level=2".to_owned(), vec![2, 3]),
        ("acceptance=in_time&acceptance=late".to_owned(), vec![2, 3]),
        ("survey_status=pending&survey_status=answered".to_owned(), vec![3]),
        ("without=assignee".to_owned(), vec![1, 2]),
    ] {
        assert_eq!(numbers(&technician, &query), expected, "{query}");
    }
    let refused: Value =
        technician.get("/tickets?support_level=1&support_level=x").problem(400, "invalid_query");
    assert_eq!(
        (&refused["errors"][0]["pointer"], &refused["errors"][0]["in"]),
        (&json!("/support_level"), &json!("query"))
    );
}

#[test]
fn an_error_names_the_part_of_the_request() {
    let desk = Desk::open();
    let technician = desk.technician();
    let part = |problem: Value| problem["errors"][0]["in"].as_str().unwrap().to_owned();
    assert_eq!(part(technician.post("/tickets", json!({})).problem(422, "invalid_body")), "body");
    assert_eq!(part(technician.get("/tickets?limit=0").problem(400, "invalid_query")), "query");
    // An operation without parameters.
    assert_eq!(part(technician.get("/me?limit=1").problem(400, "invalid_query")), "query");
    assert_eq!(part(technician.with("if-none-match", " ").get("/me").problem(400, "bad_request")), "header");
}
