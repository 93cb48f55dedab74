//! The scopes that a service account can have: which actions of its role, and what they need.

use super::policy::{Action, FOR_PEOPLE_ALONE, Role, is_personal, scope};

/// The scopes that another scope of a service account needs: its operations respond with what those read.
pub const NEEDED: &[(Action, Action)] = &[
    (Action::ChangeTicket, Action::ReadTicket),
    (Action::Attach, Action::ReadTicket),
    (Action::AddPublicFollowup, Action::ReadTicket),
    (Action::UsePrivateFollowups, Action::ReadTicket),
    (Action::Classify, Action::ReadTicket),
    (Action::Assign, Action::ReadTicket),
    (Action::Escalate, Action::ReadTicket),
    (Action::Return, Action::ReadTicket),
    (Action::Hold, Action::ReadTicket),
    (Action::Archive, Action::ReadTicket),
    (Action::Resubmit, Action::ReadTicket),
    (Action::Relate, Action::ReadTicket),
    (Action::Close, Action::ReadTicket),
    (Action::Reopen, Action::ReadTicket),
    (Action::WriteArticles, Action::ReadArticles),
    (Action::WriteReports, Action::ReadStatistics),
    (Action::WriteRecords, Action::ReadRecords),
    (Action::CompleteRequesters, Action::ReadUsers),
    (Action::RevokeAccess, Action::ReadAccessAudit),
    (Action::ReadPersonalData, Action::ReadUsers),
    (Action::ReadPersonalData, Action::ReadTicket),
    (Action::ReadPersonalData, Action::UsePrivateFollowups),
    (Action::ReadPersonalData, Action::ReadSurveyAnswers),
    (Action::ManageWebhooks, Action::FollowEvents),
    (Action::ImportTickets, Action::ReadTicket),
];

/// The scopes of a service account whose tickets are limited to units or categories: what they read beside tickets does not
/// depend on one.
pub const LIMITED: &[Action] = &[
    Action::RegisterTicket,
    Action::ReadTicket,
    Action::ChangeTicket,
    Action::Attach,
    Action::AddPublicFollowup,
    Action::UsePrivateFollowups,
    Action::Classify,
    Action::Assign,
    Action::Escalate,
    Action::Return,
    Action::Hold,
    Action::Archive,
    Action::Resubmit,
    Action::Relate,
    Action::Close,
    Action::Reopen,
    Action::ReadArticles,
    Action::WriteArticles,
    Action::ReadCatalogs,
    Action::FollowEvents,
];

/// The scopes that a service account of this role can have.
pub fn possible(role: Role) -> Vec<Action> {
    let can = |action: &Action| {
        !FOR_PEOPLE_ALONE.contains(action) && scope(role, *action).is_some_and(|scope| !is_personal(scope))
    };
    Action::ALL.iter().copied().filter(can).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::policy::Rights;

    #[test]
    fn a_needed_scope_is_possible_for_each_role_that_can_have_the_other() {
        for role in Role::ALL {
            let possible = super::possible(*role);
            for (action, needed) in NEEDED {
                assert!(!possible.contains(action) || possible.contains(needed), "{role:?} {action:?}");
            }
        }
    }

    #[test]
    fn a_service_account_may_do_what_both_its_role_and_its_scopes_allow() {
        for role in Role::ALL {
            let possible = super::possible(*role);
            for one in Action::ALL {
                let rights = Rights { role: *role, granted: &[], scopes: Some(&[*one]), with_key: true };
                for action in Action::ALL {
                    let in_scope = action == one && possible.contains(action);
                    let expected = if in_scope || *action == Action::UseOwnAccount {
                        scope(*role, *action)
                    } else {
                        None
                    };
                    assert_eq!(rights.scope(*action), expected, "{role:?} {one:?} {action:?}");
                }
            }
        }
        let director = super::possible(Role::Director);
        for action in
            [Action::ManageServiceAccounts, Action::Manage, Action::ApproveRecords, Action::ApproveReports]
        {
            assert!(!director.contains(&action), "{action:?}");
        }
        assert!(director.contains(&Action::SubmitInboundEmails));
    }
}
