//! Permissions: every action by every role, on own and on other people's resources.

pub mod attempt;

use mesa::auth::policy::{Action, Role};
use serde_json::{Value, json};

use self::attempt::Attempt;
use crate::harness::Desk;
use crate::harness::states::improvement_action;

/// The expected permission of a role, as a client sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reach {
    /// 403 on own resources and on those of others.
    No,
    /// Own resources; 404 on those of others.
    Own,
    /// Tickets assigned to the caller; 403 on others.
    Assignee,
    /// Own resources and those of others.
    Any,
    /// Own resources; 403 on those of others.
    Self_,
}

use Reach::{Any, Assignee, No, Own, Self_};

/// The permission table of the design, independent of the code. Columns: requester, technician, professional,
/// director.
#[rustfmt::skip]
const TABLE: &[(Action, [Reach; 4])] = &[
    (Action::UseOwnAccount,       [Any, Any, Any, Any]),
    (Action::RegisterTicket,      [Self_, Any, Any, Any]),
    (Action::ReadTicket,          [Own, Any, Any, Any]),
    (Action::ChangeTicket,        [Own, Any, Any, Any]),
    (Action::Attach,              [Own, Any, Any, Any]),
    (Action::AddPublicFollowup,   [Own, Any, Any, Any]),
    (Action::UsePrivateFollowups, [No, Any, Any, Any]),
    (Action::Classify,            [No, Any, Any, Any]),
    (Action::Assign,              [No, Any, Any, Any]),
    (Action::Escalate,            [No, Any, Any, Any]),
    (Action::Return,              [No, Any, Any, Any]),
    (Action::Hold,                [No, Any, Any, Any]),
    (Action::Archive,             [Own, Any, Any, Any]),
    (Action::Resubmit,            [Own, Any, Any, Any]),
    (Action::Relate,              [No, Any, Any, Any]),
    (Action::Accept,              [No, Assignee, Assignee, Assignee]),
    (Action::Reschedule,          [No, Assignee, Assignee, Assignee]),
    (Action::Solve,               [No, Assignee, Assignee, Assignee]),
    (Action::Close,               [Own, Any, Any, Any]),
    (Action::Reopen,              [Own, Any, Any, Any]),
    (Action::ReadArticles,        [Own, Any, Any, Any]),
    (Action::WriteArticles,       [No, Any, Any, Any]),
    (Action::AnswerSurvey,        [Own, No, No, No]),
    (Action::ReadSurveyAnswers,   [No, No, Any, Any]),
    (Action::ReadStatistics,      [No, Any, Any, Any]),
    (Action::WriteReports,        [No, Any, Any, Any]),
    (Action::ApproveReports,      [No, No, No, Any]),
    (Action::ReadRecords,         [No, Any, Any, Any]),
    (Action::WriteRecords,        [No, Self_, Any, Any]),
    (Action::ApproveRecords,      [No, No, No, Any]),
    (Action::ReadCatalogs,        [Any, Any, Any, Any]),
    (Action::ReadUsers,           [No, Any, Any, Any]),
    (Action::Manage,              [No, No, Self_, Any]),
    (Action::CompleteRequesters,  [No, Any, Any, Any]),
    (Action::SubmitInboundEmails, [No, No, No, Any]),
    (Action::UseInboundEmails,    [No, No, Any, Any]),
    (Action::UseOutbox,           [No, No, Any, Any]),
    (Action::VerifyAudit,         [No, No, Any, Any]),
    (Action::ReadAccessAudit,     [No, Any, Any, Any]),
    (Action::RevokeAccess,        [No, No, Any, Any]),
    (Action::ReadAuditLog,        [No, No, No, Any]),
    (Action::ReadRetentionRules,  [No, Any, Any, Any]),
    (Action::ManageRetention,     [No, No, No, Any]),
    (Action::ReadPersonalData,    [Own, Own, Own, Any]),
    (Action::FollowEvents,        [Any, Any, Any, Any]),
    (Action::UseOwnKeys,          [Any, Any, Any, Any]),
    (Action::ManageServiceAccounts, [No, No, No, Any]),
    (Action::ManageWebhooks,      [No, No, No, Any]),
    (Action::ImportTickets,       [No, No, No, Any]),
    (Action::ReadSystem,          [No, No, No, Any]),
];

/// Checks every action of the table for one role, on an own resource and on one of another person.
fn check_role(role: Role) {
    let desk = Desk::open();
    for action in Action::ALL {
        let (_, columns) =
            TABLE.iter().find(|(listed, _)| listed == action).expect("every action is in the table");
        let reach = columns[role as usize];
        for own in [true, false] {
            let me = desk.another(role);
            for answer in (Attempt { desk: &desk, me: &me, own }).answers(*action) {
                let expected = match (reach, own) {
                    (No, _) => 403,
                    (Own, false) => 404,
                    (Assignee, false) | (Self_, false) => 403,
                    _ => 200,
                };
                let got = if (200..300).contains(&answer.status) { 200 } else { answer.status };
                let whose = if own { "own" } else { "another's" };
                assert_eq!(
                    got,
                    expected,
                    "{action:?} by {role:?} on {whose}: {} returned {} {}",
                    answer.request,
                    answer.status,
                    answer.text()
                );
                if (reach, own) == (Assignee, false) {
                    answer.problem(403, "not_the_assignee");
                } else if expected == 403 {
                    answer.problem(403, "forbidden");
                }
            }
        }
    }
}

#[test]
fn permissions_of_requesters_match_the_table() {
    check_role(Role::Requester);
}

#[test]
fn permissions_of_technicians_match_the_table() {
    check_role(Role::Technician);
}

#[test]
fn permissions_of_professionals_match_the_table() {
    check_role(Role::Professional);
}

#[test]
fn permissions_of_directors_match_the_table() {
    check_role(Role::Director);
}

#[test]
fn me_lists_the_permissions_of_the_role() {
    let desk = Desk::open();
    for role in Role::ALL {
        let permissions = desk.demo(*role).get("/me").ok()["permissions"].clone();
        for (action, columns) in TABLE {
            let told = permissions[action.as_str()].as_str();
            let expected = columns[*role as usize] != No
                || (*action, *role) == (Action::ReadSurveyAnswers, Role::Technician);
            assert_eq!(told.is_some(), expected, "{action:?} {role:?}: {told:?}");
        }
    }
}

#[test]
fn the_permission_records_adds_reading_and_writing_records_to_a_role() {
    let desk = Desk::open();
    for role in [Role::Requester, Role::Technician] {
        let me = desk.another(role);
        let one = format!("/users/{}", me.id());
        let action = improvement_action(desk.technician().id(), "open");
        let action = desk.director().post("/improvement-actions", action).created()["id"].clone();
        let evidence = format!("/improvement-actions/{}/attachments", action.as_str().unwrap());
        let file = desk.director().upload(&evidence, "acta.txt", "hecho").created()["id"].clone();
        let file = format!("/attachments/{}/content", file.as_str().unwrap());
        me.get("/indicators").expect_status(if role == Role::Requester { 403 } else { 200 });
        desk.professional().patch(&one, json!({"granted_permissions": ["records"]})).ok();
        // With the next request, of the same session.
        let account = me.get("/me").ok();
        assert_eq!(account["granted_permissions"], json!(["records"]));
        assert_eq!(account["permissions"]["write_records"], "any");
        for (action, columns) in TABLE {
            let given = matches!(action, Action::ReadRecords | Action::WriteRecords);
            let told = !account["permissions"][action.as_str()].is_null();
            let expected = given
                || columns[role as usize] != No
                || (*action, role) == (Action::ReadSurveyAnswers, Role::Technician);
            assert_eq!(told, expected, "{action:?} {role:?}");
            let refused = [Action::ApproveRecords, Action::ReadStatistics, Action::ReadUsers];
            if !given && (role == Role::Technician || !refused.contains(action)) {
                continue;
            }
            for own in [true, false] {
                for answer in (Attempt { desk: &desk, me: &me, own }).answers(*action) {
                    let status = if (200..300).contains(&answer.status) { 200 } else { answer.status };
                    let wanted = if given { 200 } else { 403 };
                    assert_eq!(status, wanted, "{action:?} {role:?}: {} {}", answer.request, answer.text());
                }
            }
        }
        me.get(&file).expect_status(200);
        desk.director().patch(&one, json!({"granted_permissions": null})).ok();
        me.get(&file).expect_status(if role == Role::Requester { 404 } else { 200 });
        me.get("/risks").expect_status(if role == Role::Requester { 403 } else { 200 });
    }
}

#[test]
fn a_permission_is_given_by_those_who_manage_people_and_not_above_their_role() {
    let desk = Desk::open();
    let records = || json!({"granted_permissions": ["records", "records"]});
    let requester = desk.requester();
    let one = format!("/users/{}", requester.id());
    let own = requester.patch("/me", records()).faults();
    assert_eq!(own, [("/granted_permissions".into(), "unknown_field".into())]);
    desk.technician().patch(&one, records()).problem(403, "forbidden");
    let director = format!("/users/{}", desk.director().id());
    desk.professional().patch(&director, records()).problem(403, "forbidden");
    let unknown = desk.director().patch(&one, json!({"granted_permissions": ["everything"]}));
    assert_eq!(unknown.faults()[0].0, "/granted_permissions/0");
    // Each is kept once.
    assert_eq!(desk.professional().patch(&one, records()).ok()["granted_permissions"], json!(["records"]));
    let new = json!({"email": "mipg@example.gov.co", "password": "una-clave-larga", "role": "requester",
        "full_name": "Enlace MIPG", "granted_permissions": ["records"]});
    let created = desk.director().post("/users", new).created();
    assert_eq!(created["granted_permissions"], json!(["records"]));
    let events = desk.director().get("/audit/log?resource=user").items();
    let changes: Vec<_> = events.iter().flat_map(|event| event["changes"].as_array().unwrap()).collect();
    assert!(
        changes
            .iter()
            .any(|change| change["field"] == "granted_permissions" && change["to"] == json!(["records"])),
        "{changes:?}"
    );
    let refused = desk.database.ask(|db| {
        diesel::connection::SimpleConnection::batch_execute(
            db,
            "UPDATE users SET granted_permissions = '{everything}'",
        )
    });
    assert!(refused.is_err());
}

#[test]
fn a_requester_can_archive_only_with_the_reason_withdrawn() {
    let desk = Desk::open();
    let one = desk.ticket_in("received");
    for reason in ["duplicate", "missing_information", "profile_not_authorized"] {
        let refused = desk.requester().post(&format!("{one}/archive"), json!({"reason": reason}));
        assert_eq!(refused.faults(), [("/reason".into(), "not_allowed".into())]);
    }
}

#[test]
fn only_operations_without_security_accept_a_missing_token() {
    let desk = Desk::open();
    let document: Value = desk.nobody().get("//openapi.json").ok();
    let nobody = desk.nobody();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = "0197c0de-0000-7000-8000-000000000000";
            let words = [
                ("{ticket_id}", "1"),
                ("{criticality}", "low"),
                ("{kind}", "surveys"),
                ("{revision}", "1"),
                ("{tree_size}", "1"),
            ];
            let real = words.iter().fold(path.clone(), |path, (name, word)| path.replace(name, word));
            let real: String = real
                .split('/')
                .map(|part| if part.starts_with('{') { id } else { part })
                .collect::<Vec<_>>()
                .join("/");
            let answer = nobody.raw(&method.to_uppercase(), &format!("/{real}"), "application/json", "{}");
            if operation["security"] == json!([]) {
                assert_ne!(
                    answer.problem(answer.status, answer.json()["code"].as_str().unwrap())["code"],
                    "unauthenticated"
                );
            } else {
                answer.problem(401, "unauthenticated");
                assert_eq!(answer.header("www-authenticate"), "Bearer");
            }
        }
    }
}
