//! The types of the events of the log, and which permission each of them requires. Pure.

use crate::audit::kind::EventKind;
use crate::audit::log::{AuditKind, AuditResource};
use crate::auth::policy::Action;

/// A resource whose changes are in the log.
pub struct Followed {
    pub resource: AuditResource,
    /// What can happen to it.
    kinds: &'static [AuditKind],
    /// The action that the reader must be allowed.
    pub read: Action,
    /// The path of one such resource, without its id; `None` if it has no path of its own.
    pub path: Option<&'static str>,
}

use AuditKind::{
    Anonymized, Answered, Applied, Approved, Changed, Completed, Created, Published, Removed, Signed,
    Verified,
};

const CATALOGUE: &[AuditKind] = &[Created, Changed, Removed];

/// Sign-ins, exports, mail and the configuration are in the audit log only.
#[rustfmt::skip]
pub const FOLLOWED: &[Followed] = &[
    of(AuditResource::Article, &[Created, Changed, Published, Removed], Action::ReadArticles, Some("kb/articles")),
    of(AuditResource::Survey, &[Answered], Action::ReadSurveyAnswers, Some("surveys")),
    of(AuditResource::User, &[Created, Changed, Removed, Anonymized], Action::ReadUsers, Some("users")),
    of(AuditResource::Absence, CATALOGUE, Action::ReadUsers, Some("absences")),
    of(AuditResource::Unit, CATALOGUE, Action::ReadCatalogs, Some("units")),
    of(AuditResource::Category, CATALOGUE, Action::ReadCatalogs, Some("categories")),
    of(AuditResource::Calendar, CATALOGUE, Action::ReadCatalogs, Some("calendars")),
    of(AuditResource::Holiday, CATALOGUE, Action::ReadCatalogs, Some("holidays")),
    of(AuditResource::AttentionTime, CATALOGUE, Action::ReadCatalogs, Some("attention-times")),
    of(AuditResource::AttentionApplication, &[Applied], Action::ReadCatalogs, None),
    of(AuditResource::SurveyQuestion, CATALOGUE, Action::ReadCatalogs, Some("survey-questions")),
    of(AuditResource::RetentionRule, CATALOGUE, Action::ReadRetentionRules, Some("retention-rules")),
    of(AuditResource::RetentionRun, &[Applied], Action::ReadRetentionRules, None),
    of(AuditResource::Attachment, &[Created, Removed], Action::ReadRecords, Some("attachments")),
    of(AuditResource::Indicator, CATALOGUE, Action::ReadRecords, Some("indicators")),
    of(AuditResource::Measurement, &[Created, Changed, Approved, Removed], Action::ReadRecords, Some("measurements")),
    of(AuditResource::Minutes, &[Created, Changed, Signed, Removed], Action::ReadRecords, Some("meeting-minutes")),
    of(AuditResource::ImprovementAction, &[Created, Changed, Completed, Verified, Removed], Action::ReadRecords, Some("improvement-actions")),
    of(AuditResource::ImprovementFollowup, &[Created], Action::ReadRecords, None),
    of(AuditResource::Risk, CATALOGUE, Action::ReadRecords, Some("risks")),
    of(AuditResource::QuarterlyReport, &[Created, Changed, Approved], Action::ReadStatistics, Some("reports/quarterly")),
    of(AuditResource::AccessGrant, &[Created, Changed], Action::ReadAccessAudit, Some("audit/access-grants")),
];

const fn of(
    resource: AuditResource,
    kinds: &'static [AuditKind],
    read: Action,
    path: Option<&'static str>,
) -> Followed {
    Followed { resource, kinds, read, path }
}

/// The resource of an audit event, if this kind of event of it is in the log.
pub fn followed(resource: &str, kind: &str) -> Option<&'static Followed> {
    let followed = FOLLOWED.iter().find(|followed| followed.resource.as_str() == resource)?;
    followed.kinds.iter().any(|known| known.as_str() == kind).then_some(followed)
}

/// The type of an event, as CloudEvents name it.
pub fn type_of(resource: &str, kind: &str) -> String {
    format!("co.mesa.{resource}.{kind}.v1")
}

/// All types of events of tickets.
pub fn of_tickets() -> Vec<String> {
    EventKind::ALL.iter().map(|kind| type_of("ticket", kind.as_str())).collect()
}

/// All types of events of other resources.
pub fn of_records() -> Vec<String> {
    let types = FOLLOWED.iter().flat_map(|followed| {
        followed.kinds.iter().map(|kind| type_of(followed.resource.as_str(), kind.as_str()))
    });
    types.collect()
}

/// Which types a client asks for: each is the name of a type, or the beginning of names and `*`.
#[derive(Debug, Clone, Default)]
pub struct Wanted(Vec<String>);

impl Wanted {
    /// All types if there are no patterns.
    pub fn new(patterns: Vec<String>) -> Self {
        Wanted(patterns)
    }

    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the client asks for this type.
    pub fn includes(&self, name: &str) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => name == pattern,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_ends_with_an_asterisk_and_matches_any_end() {
        let wanted = |patterns: &[&str]| Wanted::new(patterns.iter().map(|one| (*one).to_owned()).collect());
        let accepted = "co.mesa.ticket.accepted.v1";
        for patterns in [&[][..], &[accepted], &["co.mesa.ticket.*"], &["*"], &["co.mesa.user.*", accepted]] {
            assert!(wanted(patterns).includes(accepted), "{patterns:?}");
        }
        for patterns in [&["co.mesa.ticket"][..], &["co.mesa.user.*"], &["co.mesa.ticket.accepted"]] {
            assert!(!wanted(patterns).includes(accepted), "{patterns:?}");
        }
    }

    #[test]
    fn sign_ins_and_exports_are_not_followed() {
        assert!(followed("user", "changed").is_some());
        for (resource, kind) in
            [("user", "signed_in"), ("user", "exported"), ("message", "retried"), ("desk", "restored")]
        {
            assert!(followed(resource, kind).is_none(), "{resource} {kind}");
        }
    }

    #[test]
    fn each_type_is_there_once() {
        let mut all = [of_tickets(), of_records()].concat();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
