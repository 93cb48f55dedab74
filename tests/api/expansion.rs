//! `expand`: related data beside tickets.

use mesa::auth::policy::Role;
use serde_json::json;

use super::harness::Desk;

#[test]
fn a_ticket_is_expanded_with_people_and_followups_on_request() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let (one, other) = (desk.ticket_in("assigned"), desk.ticket_in("received"));
    for number in 1..=21 {
        let visibility = if number == 21 { "private" } else { "public" };
        technician
            .post(
                &format!("{one}/followups"),
                json!({"visibility": visibility, "body": format!("Van {number}.")}),
            )
            .created();
    }
    let everything = "expand=requester&expand=assignee&expand=followups";
    let shown = technician.get(&format!("{one}?{everything}")).ok();
    let expanded = &shown["expanded"];
    assert_eq!(
        *expanded,
        technician.get(&format!("/tickets?{everything}&sort=received_at")).items()[0]["expanded"]
    );
    assert_eq!(
        (&expanded["requester"]["id"], &expanded["requester"]["can_sign_in"]),
        (&shown["requester"]["id"], &json!(true))
    );
    assert_eq!(
        (&expanded["assignee"]["id"], &expanded["assignee"]["role"]),
        (&shown["assignee"]["id"], &json!("technician"))
    );
    let bodies = |expanded: &serde_json::Value| -> Vec<String> {
        let followups = expanded["followups"].as_array().unwrap().iter();
        followups.map(|followup| followup["body"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((bodies(expanded).len(), bodies(expanded)[0].as_str()), (20, "Van 21."));

    let alone = technician.get(&format!("{other}?expand=assignee&expand=followups")).ok();
    assert_eq!(alone["expanded"], json!({"followups": []}));
    assert_eq!(technician.get(&other).ok().get("expanded"), None);

    let theirs = requester.get(&format!("{one}?expand=followups")).ok();
    assert_eq!((bodies(&theirs["expanded"]).len(), bodies(&theirs["expanded"])[0].as_str()), (20, "Van 20."));
    for what in ["requester", "assignee"] {
        assert_eq!(
            requester.get(&format!("{one}?expand={what}")).faults(),
            [("/expand".to_owned(), "not_allowed".to_owned())]
        );
        requester.get(&format!("/tickets?expand={what}")).problem(400, "invalid_query");
    }
    desk.another(Role::Requester).get(&format!("{one}?expand=followups")).problem(404, "not_found");
    technician.get("/tickets?expand=secrets").problem(400, "invalid_query");
}
