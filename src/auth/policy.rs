//! The table of permissions. An action that is not in it requires the director.

use crate::language::text_enum;

text_enum! {
    /// The role of a person.
    pub enum Role {
        /// Servidor público or contratista: asks for support.
        Requester = "requester",
        /// Técnico operativo o administrativo: support level 1.
        Technician = "technician",
        /// Profesional universitario: support level 2.
        Professional = "professional",
        /// Director administrativo: support level 3.
        Director = "director",
    }
}

impl Role {
    /// The support level that this role attends; none for requesters.
    pub fn support_level(self) -> Option<i16> {
        match self {
            Role::Requester => None,
            Role::Technician => Some(1),
            Role::Professional => Some(2),
            Role::Director => Some(3),
        }
    }

    /// The role that attends this support level.
    pub fn of_support_level(level: i16) -> Option<Self> {
        Role::ALL.iter().copied().find(|role| role.support_level() == Some(level))
    }
}

text_enum! {
    /// An action, as `GET /me` lists it.
    pub enum Action {
        /// Read and change the user's own account.
        UseOwnAccount = "use_own_account",
        /// Register a ticket; staff also on behalf of others.
        RegisterTicket = "register_ticket",
        /// Read a ticket, its public followups, its attachments.
        ReadTicket = "read_ticket",
        /// Correct a ticket that is not yet classified.
        ChangeTicket = "change_ticket",
        /// Attach files to a ticket or a followup.
        Attach = "attach",
        /// Add a public followup.
        AddPublicFollowup = "add_public_followup",
        /// Read and write private followups, publish them, read the history.
        UsePrivateFollowups = "use_private_followups",
        /// Set the criticality.
        Classify = "classify",
        /// Assign and reassign tickets.
        Assign = "assign",
        /// Escalate to a higher support level.
        Escalate = "escalate",
        /// Return to the support level below.
        Return = "return",
        /// Put on hold, ask the requester for information, and resume.
        Hold = "hold",
        /// Archive a ticket; a requester may only withdraw their own.
        Archive = "archive",
        /// Resubmit an archived ticket; staff also on behalf of others.
        Resubmit = "resubmit",
        /// Relate tickets, merge duplicates, read, add and remove watchers.
        Relate = "relate",
        /// Accept a ticket as its assignee.
        Accept = "accept",
        /// Change the appointment, as the assignee.
        Reschedule = "reschedule",
        /// Record the solution, as the assignee.
        Solve = "solve",
        /// Close a solved ticket.
        Close = "close",
        /// Reopen a solved ticket.
        Reopen = "reopen",
        /// Read the knowledge base.
        ReadArticles = "read_articles",
        /// Write and publish articles.
        WriteArticles = "write_articles",
        /// Answer the survey of a ticket.
        AnswerSurvey = "answer_survey",
        /// Read answers of surveys.
        ReadSurveyAnswers = "read_survey_answers",
        /// Read statistics and reports.
        ReadStatistics = "read_statistics",
        /// Write the texts of quarterly reports, until they are approved.
        WriteReports = "write_reports",
        /// Approve quarterly reports, which freezes their content.
        ApproveReports = "approve_reports",
        /// Read indicators, minutes, improvement actions and risks.
        ReadRecords = "read_records",
        /// Write indicators, minutes, improvement actions and risks.
        WriteRecords = "write_records",
        /// Sign minutes, approve measurements.
        ApproveRecords = "approve_records",
        /// Read units, categories, calendars, attention times and the survey's questions.
        ReadCatalogs = "read_catalogs",
        /// Read users, their shifts and absences, and who is available.
        ReadUsers = "read_users",
        /// Create and change users, shifts, absences, units, categories, calendars, attention times and the survey's
        /// questions; hand over the work of a person.
        Manage = "manage",
        /// Complete and correct a requester's name, document, contact and unit.
        CompleteRequesters = "complete_requesters",
        /// Submit inbound mail by the API.
        SubmitInboundEmails = "submit_inbound_emails",
        /// Read inbound mail, process it again, and release mail that was set aside.
        UseInboundEmails = "use_inbound_emails",
        /// Read sent mail with its addresses, and send failed mail again. It covers all tickets and the mail of other
        /// people, so it is for professionals and the director; staff who attend a ticket read the same in its
        /// followups.
        UseOutbox = "use_outbox",
        /// Verify the integrity of the history; read tree heads.
        VerifyAudit = "verify_audit",
        /// Read the audit of the profiles of requests and of granted access.
        ReadAccessAudit = "read_access_audit",
        /// Record that granted access was revoked.
        RevokeAccess = "revoke_access",
        /// Read the audit log: changes of accounts, catalogues, records and configuration, sign-ins and exports.
        ReadAuditLog = "read_audit_log",
        /// Read how long records are kept, and who is responsible for them.
        ReadRetentionRules = "read_retention_rules",
        /// Change how long records are kept, read what was removed, and make a requester's data anonymous.
        ManageRetention = "manage_retention",
        /// Read everything that the desk holds about a person.
        ReadPersonalData = "read_personal_data",
        /// Follow the events of the desk, as far as the other permissions allow to read what they are about.
        FollowEvents = "follow_events",
        /// Create and revoke keys for one's own programs.
        UseOwnKeys = "use_own_keys",
        /// Create and change service accounts, and create and revoke their keys.
        ManageServiceAccounts = "manage_service_accounts",
        /// Create and change webhooks, and read and repeat their deliveries; a service account only its own.
        ManageWebhooks = "manage_webhooks",
        /// Import tickets of another system that have ended.
        ImportTickets = "import_tickets",
        /// Read the state of the installation: versions, background tasks, what waits.
        ReadSystem = "read_system",
    }
}

text_enum! {
    /// The scope of a permission.
    pub enum PermissionScope {
        /// The user's own; others are a 404.
        Own = "own",
        /// Tickets assigned to the user.
        Assignee = "assignee",
        /// Published public articles.
        Published = "published",
        /// Aggregated figures, no single answers.
        Totals = "totals",
        /// Drafts, and the user's own tasks.
        Draft = "draft",
        /// All, but no role above the user's own.
        UpToOwnRole = "up_to_own_role",
        /// All.
        Any = "any",
    }
}

/// `None` is a dash: not permitted.
type Row = (Action, [Option<PermissionScope>; 4]);

const NO: Option<PermissionScope> = None;
const OWN: Option<PermissionScope> = Some(PermissionScope::Own);
const ASSIGNEE: Option<PermissionScope> = Some(PermissionScope::Assignee);
const ANY: Option<PermissionScope> = Some(PermissionScope::Any);

/// Columns: requester, technician, professional, director.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    (Action::UseOwnAccount,       [OWN, OWN, OWN, OWN]),
    (Action::RegisterTicket,      [OWN, ANY, ANY, ANY]),
    (Action::ReadTicket,          [OWN, ANY, ANY, ANY]),
    (Action::ChangeTicket,        [OWN, ANY, ANY, ANY]),
    (Action::Attach,              [OWN, ANY, ANY, ANY]),
    (Action::AddPublicFollowup,   [OWN, ANY, ANY, ANY]),
    (Action::UsePrivateFollowups, [NO, ANY, ANY, ANY]),
    (Action::Classify,            [NO, ANY, ANY, ANY]),
    (Action::Assign,              [NO, ANY, ANY, ANY]),
    (Action::Escalate,            [NO, ANY, ANY, ANY]),
    (Action::Return,              [NO, ANY, ANY, ANY]),
    (Action::Hold,                [NO, ANY, ANY, ANY]),
    (Action::Archive,             [OWN, ANY, ANY, ANY]),
    (Action::Resubmit,            [OWN, ANY, ANY, ANY]),
    (Action::Relate,              [NO, ANY, ANY, ANY]),
    (Action::Accept,              [NO, ASSIGNEE, ASSIGNEE, ASSIGNEE]),
    (Action::Reschedule,          [NO, ASSIGNEE, ASSIGNEE, ASSIGNEE]),
    (Action::Solve,               [NO, ASSIGNEE, ASSIGNEE, ASSIGNEE]),
    (Action::Close,               [OWN, ANY, ANY, ANY]),
    (Action::Reopen,              [OWN, ANY, ANY, ANY]),
    (Action::ReadArticles,        [Some(PermissionScope::Published), ANY, ANY, ANY]),
    (Action::WriteArticles,       [NO, ANY, ANY, ANY]),
    (Action::AnswerSurvey,        [OWN, NO, NO, NO]),
    (Action::ReadSurveyAnswers,   [NO, Some(PermissionScope::Totals), ANY, ANY]),
    (Action::ReadStatistics,      [NO, ANY, ANY, ANY]),
    (Action::WriteReports,        [NO, Some(PermissionScope::Draft), ANY, ANY]),
    (Action::ApproveReports,      [NO, NO, NO, ANY]),
    (Action::ReadRecords,         [NO, ANY, ANY, ANY]),
    (Action::WriteRecords,        [NO, Some(PermissionScope::Draft), ANY, ANY]),
    (Action::ApproveRecords,      [NO, NO, NO, ANY]),
    (Action::ReadCatalogs,        [ANY, ANY, ANY, ANY]),
    (Action::ReadUsers,           [NO, ANY, ANY, ANY]),
    (Action::Manage,              [NO, NO, Some(PermissionScope::UpToOwnRole), ANY]),
    (Action::CompleteRequesters,  [NO, ANY, ANY, ANY]),
    (Action::SubmitInboundEmails, [NO, NO, NO, ANY]),
    (Action::UseInboundEmails,    [NO, NO, ANY, ANY]),
    (Action::UseOutbox,           [NO, NO, ANY, ANY]),
    (Action::VerifyAudit,         [NO, NO, ANY, ANY]),
    (Action::ReadAccessAudit,     [NO, ANY, ANY, ANY]),
    (Action::RevokeAccess,        [NO, NO, ANY, ANY]),
    (Action::ReadAuditLog,        [NO, NO, NO, ANY]),
    (Action::ReadRetentionRules,  [NO, ANY, ANY, ANY]),
    (Action::ManageRetention,     [NO, NO, NO, ANY]),
    (Action::ReadPersonalData,    [OWN, OWN, OWN, ANY]),
    (Action::FollowEvents,        [OWN, ANY, ANY, ANY]),
    (Action::UseOwnKeys,          [OWN, OWN, OWN, OWN]),
    (Action::ManageServiceAccounts, [NO, NO, NO, ANY]),
    (Action::ManageWebhooks,      [NO, NO, NO, ANY]),
    (Action::ImportTickets,       [NO, NO, NO, ANY]),
    (Action::ReadSystem,          [NO, NO, NO, ANY]),
];

text_enum! {
    /// A permission that can be given to a person in addition to those of the role.
    pub enum UserPermission {
        /// Read and write indicators, minutes, improvement actions and risks, for the Enlace MIPG. Signing and approving
        /// stay with the director.
        Records = "records",
    }
}

/// What a person may do with a permission, whatever their role.
pub const GRANTS: &[(UserPermission, Action, PermissionScope)] = &[
    (UserPermission::Records, Action::ReadRecords, PermissionScope::Any),
    (UserPermission::Records, Action::WriteRecords, PermissionScope::Any),
];

/// The actions that no service account may carry out: what the procedure reserves to a person who answers for it, what
/// decides over the rights of others, and what only an assignee or a person does.
pub(super) const FOR_PEOPLE_ALONE: &[Action] = &[
    Action::UseOwnAccount,
    Action::UseOwnKeys,
    Action::ManageServiceAccounts,
    // It includes the roles and permissions of people.
    Action::Manage,
    Action::ApproveReports,
    Action::ApproveRecords,
    Action::ManageRetention,
    Action::Accept,
    Action::Reschedule,
    Action::Solve,
    Action::AnswerSurvey,
];

/// Whether a permission is about what is one's own: a machine has neither tickets nor data of its own.
pub(super) fn is_personal(scope: PermissionScope) -> bool {
    matches!(scope, PermissionScope::Own | PermissionScope::Assignee)
}

/// What nobody does with a key: create what outlives a key that somebody else has got, and what a person answers for.
const NOT_WITH_KEY: &[Action] = &[
    Action::UseOwnKeys,
    Action::ManageServiceAccounts,
    Action::Manage,
    Action::ApproveReports,
    Action::ApproveRecords,
    Action::ManageRetention,
];

/// The actions of these names; others, of a later version, are omitted.
pub fn actions_of(names: &[String]) -> Vec<Action> {
    Action::ALL.iter().copied().filter(|action| names.iter().any(|name| name == action.as_str())).collect()
}

/// What a person has: a role, and the permissions given in addition. A service account has a role, and only some of
/// its actions.
#[derive(Debug, Clone, Copy)]
pub struct Rights<'a> {
    pub role: Role,
    pub granted: &'a [UserPermission],
    /// The actions of a service account; `None` for a person.
    pub scopes: Option<&'a [Action]>,
    /// Whether the caller is identified by a key.
    pub with_key: bool,
}

impl Rights<'_> {
    /// The rights of a role alone.
    pub fn of_role(role: Role) -> Self {
        Rights { role, granted: &[], scopes: None, with_key: false }
    }

    /// The scope of `action`: that of a given permission, otherwise that of the role; `None` if not permitted.
    pub fn scope(self, action: Action) -> Option<PermissionScope> {
        if !self.is_in_scopes(action) || self.with_key && NOT_WITH_KEY.contains(&action) {
            return None;
        }
        let given = GRANTS
            .iter()
            .find(|(permission, allowed, _)| *allowed == action && self.granted.contains(permission));
        let found = given.map(|(_, _, scope)| *scope).or_else(|| scope(self.role, action));
        found.filter(|scope| self.scopes.is_none() || action == Action::UseOwnAccount || !is_personal(*scope))
    }

    /// Whether a service account has the action among its scopes. All may read their own account.
    fn is_in_scopes(self, action: Action) -> bool {
        let Some(scopes) = self.scopes else { return true };
        action == Action::UseOwnAccount || scopes.contains(&action) && !FOR_PEOPLE_ALONE.contains(&action)
    }

    /// How far the person may go with an operation for which one of these actions is enough: as far as the first that
    /// is allowed. Totals are not access to the single answers that an operation returns. `None` if they may not call it.
    pub fn permitted(self, actions: &[Action]) -> Option<PermissionScope> {
        actions
            .iter()
            .filter_map(|action| self.scope(*action))
            .find(|scope| *scope != PermissionScope::Totals)
    }
}

/// The permissions of which each allows an operation for which one of these actions is enough.
pub fn granting(actions: &[Action]) -> Vec<UserPermission> {
    let grants = |permission: &UserPermission| {
        GRANTS.iter().any(|(granted, action, _)| granted == permission && actions.contains(action))
    };
    UserPermission::ALL.iter().copied().filter(grants).collect()
}

/// The scope of `action` for `role`; `None` if not permitted.
pub fn scope(role: Role, action: Action) -> Option<PermissionScope> {
    let column = role as usize;
    match TABLE.iter().find(|(listed, _)| *listed == action) {
        Some((_, scopes)) => scopes[column],
        None => (role == Role::Director).then_some(PermissionScope::Any),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_one_row_and_the_director_is_never_below_the_others() {
        for action in Action::ALL {
            let rows = TABLE.iter().filter(|(listed, _)| listed == action).count();
            assert_eq!(rows, 1, "{action:?}");
        }
    }

    #[test]
    fn columns_are_in_the_order_of_the_roles() {
        assert_eq!(scope(Role::Requester, Action::Close), Some(PermissionScope::Own));
        assert_eq!(scope(Role::Technician, Action::Manage), None);
        assert_eq!(scope(Role::Professional, Action::Manage), Some(PermissionScope::UpToOwnRole));
        assert_eq!(scope(Role::Director, Action::AnswerSurvey), None);
    }

    #[test]
    fn a_permission_adds_to_the_role_and_approves_nothing() {
        let all = UserPermission::ALL;
        for role in Role::ALL {
            let rights = Rights { role: *role, granted: all, scopes: None, with_key: false };
            for action in Action::ALL {
                let given = matches!(action, Action::ReadRecords | Action::WriteRecords);
                let expected = if given { Some(PermissionScope::Any) } else { scope(*role, *action) };
                assert_eq!(rights.scope(*action), expected, "{role:?} {action:?}");
                assert_eq!(Rights::of_role(*role).scope(*action), scope(*role, *action));
            }
        }
        assert_eq!(granting(&[Action::ReadTicket, Action::WriteRecords]), [UserPermission::Records]);
        assert_eq!(granting(&[Action::ApproveRecords, Action::ApproveReports]), []);
    }

    /// Otherwise somebody could give what they do not have.
    #[test]
    fn who_may_manage_people_has_what_permissions_give() {
        for role in Role::ALL.iter().filter(|role| scope(**role, Action::Manage).is_some()) {
            for (_, action, given) in GRANTS {
                assert!(scope(*role, *action) >= Some(*given), "{role:?} {action:?}");
            }
        }
    }
}
