//! The actor of a request: identified by an access token or by mail, and permitted by the policy.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;
use uuid::Uuid;

use super::account::{Account, unauthenticated};
use super::admissions::Admissions;
use super::credential::{Credential, Subject};
use super::etag;
use super::mail_origin::MailOrigin;
use super::query;
use crate::auth::person::{Person, PersonKind};
use crate::auth::policy::{Action, PermissionScope, Rights, Role, UserPermission};
use crate::auth::ticket_limit::TicketLimit;
use crate::problem::{Code, FieldError, Problem, Result, Text};

/// The actor, the time and the scope of the permission: passed to every change and every read.
#[derive(Debug, Clone)]
pub struct Actor {
    pub id: Uuid,
    pub role: Role,
    /// The permissions given in addition to those of the role.
    pub granted: Vec<UserPermission>,
    pub full_name: String,
    pub kind: PersonKind,
    /// The actions of a service account; `None` for a person.
    pub scopes: Option<Vec<Action>>,
    /// Whether the caller is identified by a key.
    with_key: bool,
    /// The tickets that a service account may use.
    pub limit: TicketLimit,
    pub unit_id: Option<Uuid>,
    /// The scope that the policy gives this person for this action.
    pub scope: PermissionScope,
    /// The database's time when the request was admitted: the same clock for every copy of the server.
    pub now: DateTime<Utc>,
    /// The entity's time zone.
    pub timezone: Tz,
    /// The inbound email that caused the action; `None` for an API request.
    pub mail: Option<MailOrigin>,
    if_match: Option<String>,
}

impl Actor {
    /// The actor of an inbound email.
    ///
    /// # Errors
    /// `Code::Unauthenticated` if the account is not active, `Code::Forbidden` if it may not do this.
    pub fn by_mail(
        db: &mut PgConnection,
        user_id: Uuid,
        action: Action,
        mail: MailOrigin,
        timezone: Tz,
    ) -> Result<Self> {
        let account = Account::read_to_write(db, Subject::Account(user_id))?;
        let actor = Self::permitted(account, &[action], None, timezone)?;
        Ok(Actor { mail: Some(mail), ..actor })
    }

    /// An account for which the server acts by itself, without a request.
    ///
    /// # Errors
    /// `Code::Unauthenticated` if the account is not active, `Code::Forbidden` if it may not do this.
    pub fn by_server(db: &mut PgConnection, user_id: Uuid, action: Action, timezone: Tz) -> Result<Self> {
        let account = Account::read(db, Subject::Account(user_id))?;
        Self::permitted(account, &[action], None, timezone)
    }

    /// The owner of work that a request began and the server carries out later, with the key of that request, or the era of its
    /// sign-in. What the transaction changes is recorded as theirs.
    ///
    /// # Errors
    /// `Code::Unauthenticated` if the account is not active or the key or the sign-in not valid, `Code::Forbidden` if it may do none of these.
    pub fn of_job(
        tx: &mut PgConnection,
        user_id: Uuid,
        (key_id, era): (Option<Uuid>, Option<i32>),
        permission: &[Action],
        timezone: Tz,
    ) -> Result<Self> {
        let subject = match key_id {
            Some(key_id) => Subject::KeyOf { user_id, key_id },
            None => Subject::Account(user_id),
        };
        let account = Account::read_to_write(tx, subject)?;
        if era.is_some_and(|era| era != account.era) {
            return Err(unauthenticated());
        }
        Self::permitted(account, permission, None, timezone)
    }

    /// The person, if the policy permits one of these actions.
    ///
    /// # Errors
    /// A 403 otherwise.
    fn permitted(
        account: Account,
        permission: &[Action],
        if_match: Option<String>,
        timezone: Tz,
    ) -> Result<Self> {
        let scope = account.rights().permitted(permission).ok_or_else(Problem::forbidden)?;
        let with_key = account.key.is_some();
        let Account { id, role, granted, full_name, kind, scopes, limit, unit_id, now, .. } = account;
        Ok(Actor {
            id,
            role,
            granted,
            full_name,
            kind,
            scopes,
            with_key,
            limit,
            unit_id,
            scope,
            now,
            timezone,
            mail: None,
            if_match,
        })
    }

    /// The same, at a later time of the same transaction.
    pub fn at(self, now: DateTime<Utc>) -> Self {
        Actor { now, ..self }
    }

    /// The same caller in another operation of the same request, which begins so much later.
    ///
    /// # Errors
    /// A 403 if the policy permits none of these actions.
    pub fn for_another(
        &self,
        permission: &[Action],
        if_match: Option<String>,
        later: Duration,
    ) -> Result<Self> {
        let scope = self.rights().permitted(permission).ok_or_else(Problem::forbidden)?;
        let now = TimeDelta::from_std(later).ok().and_then(|later| self.now.checked_add_signed(later));
        Ok(Actor { scope, if_match, now: now.unwrap_or(self.now), ..self.clone() })
    }

    /// The public data of the actor.
    pub fn person(&self) -> Person {
        Person { id: self.id, full_name: self.full_name.clone(), role: self.role, kind: self.kind }
    }

    pub fn is_staff(&self) -> bool {
        self.role != Role::Requester
    }

    /// Whether the actor may read private followups and the history: staff, but a service account only with this scope.
    pub fn reads_private(&self) -> bool {
        self.is_staff() && self.rights().scope(Action::UsePrivateFollowups).is_some()
    }

    /// What the actor may do beyond the action of this request.
    pub fn rights(&self) -> Rights<'_> {
        let scopes = self.scopes.as_deref();
        Rights { role: self.role, granted: &self.granted, scopes, with_key: self.with_key }
    }

    /// # Errors
    /// A 403 for a service account.
    pub fn must_be_person(&self) -> Result<()> {
        match self.kind {
            PersonKind::Person => Ok(()),
            PersonKind::ServiceAccount => Err(Problem::forbidden()),
        }
    }

    /// A role that may only write drafts may not write other records.
    ///
    /// # Errors
    /// A 403 if the role may only write drafts and this is not one.
    pub fn may_write(&self, draft: bool) -> Result<()> {
        if self.scope == PermissionScope::Draft && !draft { Err(Problem::forbidden()) } else { Ok(()) }
    }

    /// The same as `check_version`, for a change that must name the version that the caller has read.
    ///
    /// # Errors
    /// A 428 without `If-Match`; a 412 if the resource has another version.
    pub fn require_version(&self, id: impl Display, version: impl Display) -> Result<()> {
        if self.if_match.is_none() {
            return Err(Problem::new(
                Code::PreconditionRequired,
                Text::new(
                    "Envíe en `If-Match` el `ETag` de lo que leyó.",
                    "Send the `ETag` of what you have read as `If-Match`.",
                ),
            ));
        }
        self.check_version(id, version)
    }

    /// Whether the resource with this identifier is still at the version of the client's `If-Match`; otherwise a 412.
    pub fn check_version(&self, id: impl Display, version: impl Display) -> Result<()> {
        match &self.if_match {
            Some(wanted) if !etag::names_version(wanted, id, version) => Err(Problem::new(
                Code::PreconditionFailed,
                Text::new(
                    "El recurso cambió. Léalo de nuevo y repita el cambio.",
                    "The resource has changed. Read it again and repeat the change.",
                ),
            )),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// A 412 if the request names a version of a resource that is not there.
    pub fn check_absent(&self) -> Result<()> {
        match &self.if_match {
            None => Ok(()),
            Some(_) => Err(Problem::new(
                Code::PreconditionFailed,
                Text::new("El recurso no existe todavía.", "The resource does not exist yet."),
            )),
        }
    }
}

/// The columns that each change of a versioned row sets besides its own: the next version, and the time of the change.
macro_rules! next_version {
    ($table:ident, $version:expr, $actor:expr) => {
        ($table::version.eq($version + 1), $table::updated_at.eq($actor.now))
    };
}
pub(crate) use next_version;

/// The data of a request that identify the caller.
pub(super) struct Admission {
    pub(super) credential: Credential,
    /// The actions of which the caller must be allowed one.
    pub(super) permission: Vec<Action>,
    pub(super) stray_parameters: Vec<FieldError>,
    pub(super) if_match: Option<String>,
    pub(super) timezone: Tz,
    pub(super) by_staff: Arc<AtomicBool>,
}

impl Admission {
    /// Authenticates the caller of a change (401), checks the permission (403), and refuses parameters of an operation that
    /// has none (400).
    pub(super) fn admit(self, tx: &mut PgConnection) -> Result<Actor> {
        let account = Account::read_to_write(tx, self.credential.subject())?;
        self.admit_account(account)
    }

    /// The same for a read: the account may have been read within the last second. Nobody is refused by what was known then:
    /// they may have signed in again, or have another role, since.
    pub(super) fn admit_to_read(self, db: &mut PgConnection, admissions: &Admissions) -> Result<Actor> {
        let account = match self.known(admissions) {
            Some(account) => account,
            None => admissions.read(db, self.credential.subject())?,
        };
        self.admit_account(account)
    }

    /// The same without the database; `None` if it must be asked.
    pub(super) fn admit_known(self, admissions: &Admissions) -> Option<Actor> {
        let account = self.known(admissions)?;
        self.admit_account(account).ok()
    }

    fn known(&self, admissions: &Admissions) -> Option<Account> {
        admissions.known(self.credential.subject()).filter(|account| {
            self.credential.is_of_era(account.era) && account.rights().permitted(&self.permission).is_some()
        })
    }

    pub(super) fn admit_account(self, account: Account) -> Result<Actor> {
        if !self.credential.is_of_era(account.era) {
            return Err(unauthenticated());
        }
        let actor = Actor::permitted(account, &self.permission, self.if_match, self.timezone)?;
        self.by_staff.store(actor.is_staff(), Ordering::Relaxed);
        if !self.stray_parameters.is_empty() {
            return Err(query::refused(self.stray_parameters));
        }
        Ok(actor)
    }
}
