//! The roles that the contract lists for an operation are exactly those that may call it.

use mesa::auth::policy::Role;

use crate::harness::Desk;
use crate::operations::operations;

#[test]
fn only_the_roles_listed_in_the_contract_may_call_an_operation() {
    let desk = Desk::open();
    for operation in operations(&desk) {
        let call = |client: &crate::harness::Client| {
            client.raw(&operation.method, &operation.path, "application/json", r#"{"no_such_field": 1}"#)
        };
        let name = format!("{} {}", operation.method, operation.path);
        let anonymous = call(&desk.nobody());
        let Some(roles) = operation.roles.as_deref() else {
            assert_ne!(anonymous.status, 401, "{name} needs no token: {}", anonymous.text());
            continue;
        };
        anonymous.problem(401, "unauthenticated");
        for role in Role::ALL {
            let answer = call(&desk.demo(*role));
            let refused = answer.status == 403 && answer.json()["code"] == "forbidden";
            let may = roles.iter().any(|named| named == role.as_str());
            assert_eq!(refused, !may, "{name} by {}: {} {}", role.as_str(), answer.status, answer.text());
        }
    }
}
