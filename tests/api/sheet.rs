//! Tickets as a CSV file for a spreadsheet.

use serde_json::json;

use crate::harness::{Answer, Client, Desk};

/// The cells of each line; the first line contains the names of the columns.
fn sheet(answer: &Answer) -> Vec<Vec<String>> {
    answer.expect_status(200);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(answer.header("content-disposition").starts_with("attachment"));
    let text = answer.text();
    let text = text.strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|line| line.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn column(lines: &[Vec<String>], name: &str) -> Vec<String> {
    let at = lines[0].iter().position(|column| column == name).unwrap();
    lines[1..].iter().map(|line| line[at].clone()).collect()
}

fn register(client: &Client, subject: &str) {
    client.post("/tickets", json!({"subject": subject, "description": "No hay red."})).created();
}

#[test]
fn a_sheet_has_the_tickets_of_the_list_in_the_same_order() {
    let desk = Desk::open();
    let technician = desk.technician();
    for state in ["received", "in_progress", "solved"] {
        desk.ticket_in(state);
    }
    let lines = sheet(&technician.get("/tickets/export?sort=received_at"));
    assert_eq!(column(&lines, "id"), ["1", "2", "3"]);
    assert_eq!(column(&lines, "status"), ["received", "in_progress", "solved"]);
    let listed = technician.get("/tickets?sort=received_at").items();
    assert_eq!(column(&lines, "assignee")[1], listed[1]["assignee"]["full_name"].as_str().unwrap());
    assert!(column(&lines, "received_at")[0].ends_with('Z'));
    let solved = sheet(&technician.get("/tickets/export?status=solved&status=closed"));
    assert_eq!(column(&solved, "id"), ["3"]);
    technician.get("/tickets/export?no_such=1").problem(400, "invalid_query");
    technician.get("/tickets/export?limit=1").problem(400, "invalid_query");
    desk.nobody().get("/tickets/export").problem(401, "unauthenticated");
}

#[test]
fn a_requester_downloads_only_their_own_tickets() {
    let desk = Desk::open();
    let other = desk.another(mesa::auth::policy::Role::Requester);
    register(&desk.requester(), "Sin red");
    register(&other, "Sin teléfono");
    assert_eq!(column(&sheet(&other.get("/tickets/export")), "subject"), ["Sin teléfono"]);
}

#[test]
fn tickets_of_several_batches_appear_once_and_never_as_a_formula() {
    let desk = Desk::open();
    register(&desk.requester(), "=HYPERLINK(\"https://evil.example\", \"clic, aquí\")");
    desk.database.copies_of_the_first_ticket(999);
    let lines = sheet(&desk.technician().get("/tickets/export?sort=received_at"));
    let ids: Vec<String> = (1..=1000).map(|id| id.to_string()).collect();
    assert_eq!(column(&lines, "id"), ids);
    assert_eq!(column(&lines, "subject")[0], "'=HYPERLINK(\"https://evil.example\", \"clic, aquí\")");
}
