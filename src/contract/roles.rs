//! Which roles may call an operation: those that the policy lets do what it does.

use crate::auth::policy::{self, Action, Role, Scope};

/// What every operation that asks for a token does, any of these where there are several; a test calls each as every role.
const ACTIONS: &[(Action, &[&str])] = &[
    (Action::UseOwnAccount, &["getMe", "updateMe", "changeMyPassword"]),
    (Action::RegisterTicket, &["registerTicket"]),
    (
        Action::ReadTicket,
        &[
            "listTickets",
            "downloadTickets",
            "getTicket",
            "getTicketAttention",
            "listTimeline",
            "listFollowups",
            "getFollowup",
            "listTicketAttachments",
            "listFollowupAttachments",
            "getAttachment",
            "downloadAttachment",
            "listRelations",
            "listSuggestions",
        ],
    ),
    (Action::ChangeTicket, &["updateTicket"]),
    (Action::Attach, &["attachToTicket", "attachToFollowup"]),
    (Action::AddPublicFollowup, &["addFollowup"]),
    (Action::UsePrivateFollowups, &["publishFollowup", "listEvents", "listEscalations"]),
    (Action::Classify, &["classifyTicket"]),
    (Action::Assign, &["assignTicket"]),
    (Action::Escalate, &["escalateTicket"]),
    (Action::Hold, &["holdTicket", "resumeTicket", "requestInformation"]),
    (Action::Archive, &["archiveTicket"]),
    (Action::Resubmit, &["resubmitTicket"]),
    (Action::Relate, &["relateTickets", "removeRelation", "mergeTicket", "listWatchers"]),
    (Action::Accept, &["acceptTicket"]),
    (Action::Reschedule, &["rescheduleTicket"]),
    (Action::Solve, &["solveTicket"]),
    (Action::Close, &["closeTicket"]),
    (Action::Reopen, &["reopenTicket"]),
    (Action::ReadArticles, &["listArticles", "getArticle", "listArticleAttachments"]),
    (
        Action::WriteArticles,
        &["createArticle", "updateArticle", "attachToArticle", "listRevisions", "getRevision"],
    ),
    (Action::AnswerSurvey, &["answerSurvey", "getSurvey"]),
    (Action::ReadSurveyAnswers, &["listSurveys", "getSurvey"]),
    (Action::ReadStatistics, &["getStatistics", "getQuarterlyReport"]),
    (Action::ApproveReports, &["approveQuarterlyReport"]),
    (
        Action::ReadRecords,
        &[
            "listImprovementActions",
            "getImprovementAction",
            "listImprovementFollowups",
            "listImprovementActionAttachments",
            "listRisks",
            "getRisk",
            "getRiskMatrix",
            "downloadRiskMatrix",
            "listMinutes",
            "getMinutes",
            "listIndicators",
            "getIndicator",
            "listMeasurements",
            "getMeasurement",
        ],
    ),
    (
        Action::WriteRecords,
        &[
            "createImprovementAction",
            "updateImprovementAction",
            "addImprovementFollowup",
            "attachToImprovementAction",
            "completeImprovementAction",
            "verifyImprovementAction",
            "createRisk",
            "updateRisk",
            "createMinutes",
            "updateMinutes",
            "createIndicator",
            "updateIndicator",
            "measureIndicator",
            "updateMeasurement",
        ],
    ),
    (Action::ApproveRecords, &["signMinutes", "approveMeasurement"]),
    (
        Action::ReadCatalogs,
        &[
            "listUnits",
            "getUnit",
            "listCategories",
            "getCategory",
            "listCalendars",
            "getCalendar",
            "getCalendarDue",
            "reckonAttention",
            "listHolidays",
            "getHoliday",
            "listHolidayDates",
            "listAttentionTimes",
            "getAttentionTime",
            "listSurveyQuestions",
            "getSurveyQuestion",
        ],
    ),
    (
        Action::ReadUsers,
        &["listUsers", "getUser", "getShifts", "listAbsences", "getAbsence", "listAvailability"],
    ),
    (
        Action::Manage,
        &[
            "createUser",
            "updateUser",
            "sendPasswordLink",
            "setShifts",
            "recordAbsence",
            "updateAbsence",
            "removeAbsence",
            "handOver",
            "createUnit",
            "updateUnit",
            "createCategory",
            "updateCategory",
            "createCalendar",
            "updateCalendar",
            "createHoliday",
            "updateHoliday",
            "removeHoliday",
            "updateAttentionTime",
            "applyAttentionTimes",
            "createSurveyQuestion",
            "updateSurveyQuestion",
        ],
    ),
    (Action::SubmitInboundEmails, &["receiveEmail"]),
    (
        Action::UseInboundEmails,
        &["listInboundEmails", "getInboundEmail", "downloadInboundEmail", "processInboundEmail"],
    ),
    (Action::UseOutbox, &["listMessages", "getMessage", "retryMessage"]),
    (Action::ReadAuditLog, &["listAuditLog", "getAuditEvent"]),
    (
        Action::VerifyAudit,
        &["verifyHistory", "listProfileFindings", "listTreeHeads", "getTreeHead", "getAuditKey"],
    ),
    (
        Action::ManageRetention,
        &[
            "listRetentionRules",
            "getRetentionRule",
            "updateRetentionRule",
            "listRetentionRuns",
            "anonymizeUser",
            "previewAnonymization",
        ],
    ),
    (Action::ReadPersonalData, &["getPersonalData"]),
];

/// Whether only the assignee of a ticket may call this operation.
pub fn is_for_assignee(operation: &str) -> bool {
    let mut actions = ACTIONS.iter().filter(|(_, operations)| operations.contains(&operation));
    actions.any(|(action, _)| policy::scope(Role::Technician, *action) == Some(Scope::Assignee))
}

/// The roles that may call this operation; none where it asks for no token.
pub fn of(operation: &str) -> Option<Vec<&'static str>> {
    let actions: Vec<Action> = ACTIONS
        .iter()
        .filter(|(_, operations)| operations.contains(&operation))
        .map(|(action, _)| *action)
        .collect();
    // Figures are no single answers.
    let far_enough = |scope: Option<Scope>| scope.is_some_and(|scope| scope != Scope::Totals);
    let may = |role: &Role| actions.iter().any(|action| far_enough(policy::scope(*role, *action)));
    let roles = Role::ALL.iter().filter(|role| may(role)).map(|role| role.as_str());
    (!actions.is_empty()).then(|| roles.collect())
}
