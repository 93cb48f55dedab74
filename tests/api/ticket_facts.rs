//! The narrow rows from which figures are counted always equal their tickets.

use diesel_migrations::MigrationHarness;
use mesa::db::migrations::{self, MIGRATIONS};
use serde_json::json;

use crate::harness::Desk;

/// How many rows differ from what the tickets say, in either direction.
const DIFFERENT: &str = "SELECT count(*) FROM ( \
    (SELECT received_at, id, first_attention_due_at, attended_at, attended_working_minutes, coalesce(closed_at, archived_at), \
        requester_unit_id, category_id, solved_at IS NOT NULL, channel, criticality, archive_reason FROM tickets \
     EXCEPT SELECT received_at, ticket_id, due_at, attended_at, attended_working_minutes, over_at, unit_id, category_id, solved, \
        channel, criticality, archive_reason FROM ticket_facts) \
    UNION ALL (SELECT received_at, ticket_id, due_at, attended_at, attended_working_minutes, over_at, unit_id, category_id, solved, \
        channel, criticality, archive_reason FROM ticket_facts \
     EXCEPT SELECT received_at, id, first_attention_due_at, attended_at, attended_working_minutes, \
        coalesce(closed_at, archived_at), requester_unit_id, category_id, solved_at IS NOT NULL, channel, criticality, \
        archive_reason FROM tickets)) AS d";

/// Tickets in every state, one of them reopened, and one in another category.
fn desk_in_every_state() -> Desk {
    let desk = Desk::open();
    for state in
        ["received", "classified", "assigned", "in_progress", "escalated", "on_hold", "solved", "archived"]
    {
        desk.ticket_in(state);
    }
    let (requester, technician) = (desk.requester(), desk.technician());
    let solution = json!({"description": "Listo."});
    let one = desk.ticket_in("solved");
    requester.post(&format!("{one}/reopening"), json!({})).ok();
    technician.post(&format!("{one}/solution"), solution).ok();
    requester.post(&format!("{one}/closure"), json!({})).ok();
    let other = desk.ticket_in("classified");
    technician.post(&format!("{other}/classification"), json!({"criticality": "low"})).ok();
    desk
}

#[test]
fn every_step_of_a_ticket_changes_its_facts() {
    let desk = desk_in_every_state();
    assert_eq!(desk.database.count(DIFFERENT), 0);
    let of = |what: &str| desk.database.count(&format!("SELECT count(*) FROM ticket_facts WHERE {what}"));
    assert_eq!([of("true"), of("over_at IS NOT NULL"), of("archive_reason IS NOT NULL")], [10, 2, 1]);
    assert_eq!(
        [of("solved"), of("attended_working_minutes IS NOT NULL")],
        [2, of("attended_at IS NOT NULL")]
    );
    desk.database.run("UPDATE tickets SET received_at = received_at - interval '3 years' WHERE id % 2 = 0");
    assert_eq!((desk.database.count(DIFFERENT), of("true")), (0, 10));
    desk.database
        .run("UPDATE tickets SET channel = 'phone', criticality = 'low', attended_working_minutes = 7 WHERE id = 5");
    let changed = "channel = 'phone' AND criticality = 'low' AND attended_working_minutes = 7";
    assert_eq!((desk.database.count(DIFFERENT), of(changed)), (0, 1));
    // Each alone.
    for change in [
        "category_id = (SELECT id FROM categories c WHERE c.id IS DISTINCT FROM tickets.category_id LIMIT 1)",
        "channel = 'email'",
        "criticality = 'high'",
        "first_attention_due_at = first_attention_due_at + interval '1 hour'",
        "attended_working_minutes = 8",
    ] {
        desk.database.run(&format!("UPDATE tickets SET {change} WHERE id = 5"));
        assert_eq!(desk.database.count(DIFFERENT), 0, "{change}");
    }
}

#[test]
fn the_facts_of_earlier_tickets_are_computed_by_the_migration() {
    const FACTS: &str = "20261130003001";
    let desk = desk_in_every_state();
    desk.database.run("CREATE TABLE kept AS SELECT * FROM ticket_facts");
    let mut connection = desk.database.connect();
    while connection.applied_migrations().unwrap().iter().any(|one| one.to_string().as_str() >= FACTS) {
        connection.revert_last_migration(MIGRATIONS).unwrap();
    }
    migrations::apply(&mut connection).unwrap();
    let differ = "SELECT count(*) FROM ((TABLE kept EXCEPT TABLE ticket_facts) UNION ALL (TABLE ticket_facts EXCEPT TABLE kept)) AS d";
    assert_eq!((desk.database.count("SELECT count(*) FROM kept"), desk.database.count(differ)), (10, 0));
    assert_eq!(desk.database.count(DIFFERENT), 0);
}
