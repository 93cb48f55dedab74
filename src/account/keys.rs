//! Keys of accounts: shown once when they are created, listed by their last characters, revoked at once.

use chrono::{DateTime, Months, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::keys::{KeyOwner, NewKey};
use crate::auth::person::{Person, PersonKind};
use crate::db::acting;
use crate::db::schema::{access_key_uses, access_keys, users};
use crate::http::paging::{Paging, read_page};
use crate::http::{Actor, Answer};
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};

/// How long a key is valid if nothing else is asked for, in months.
const USUAL_MONTHS: u32 = 12;
/// The longest time that a key can be valid, in months.
const MOST_MONTHS: u32 = 24;

/// The most usable keys of a service account: the current one, and the next one during a rotation.
const MOST_OF_SERVICE_ACCOUNT: i64 = 2;
/// The most usable keys of a person.
const MOST_OF_PERSON: i64 = 10;

/// A key of an account, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessKey {
    /// Identifier of the key.
    pub id: Uuid,
    /// What the key is for; `null` if it has no name.
    #[schema(max_length = 100, example = "Inventario, servidor 1")]
    pub name: Option<String>,
    /// The last four characters of the key.
    #[schema(min_length = 4, max_length = 4, example = "4kQz")]
    pub last_four: String,
    /// Whether the key can be used: it is neither revoked nor expired, and has not ended with the sign-ins of its
    /// account.
    pub usable: bool,
    /// When the key was created.
    pub created_at: DateTime<Utc>,
    /// Who created the key.
    pub created_by: Person,
    /// From this time on the key is no longer valid.
    pub expires_at: DateTime<Utc>,
    /// When the key was last used, to the minute; `null` if it has not been used.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The address of the client that last used the key; `null` if it has not been used, or if the address is not known.
    #[schema(max_length = 45, example = "203.0.113.7")]
    pub last_used_address: Option<String>,
    /// When the key was revoked; `null` if it was not.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A new key. Its secret is only in this response.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedAccessKey)]
pub struct NewAccessKey {
    #[serde(flatten)]
    shown: AccessKey,
    /// The key, for the header `Authorization: Bearer …`. It cannot be read again. It ends with a checksum: the CRC-32 of
    /// everything before, in six digits of base 62.
    #[schema(min_length = 46, max_length = 46, pattern = "^mesa_[sp]k_[0-9A-Za-z]{38}$")]
    key: String,
}

/// A key to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessKeyCreate {
    /// What the key is for.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S", example = "Inventario, servidor 1")]
    pub name: Option<String>,
    /// From this time on the key is no longer valid: within two years. A year from now if omitted.
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = access_keys)]
struct Row {
    id: Uuid,
    name: Option<String>,
    last_four: String,
    era: i32,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

type Use = Option<(DateTime<Utc>, Option<String>)>;
type Found = (Row, Person, Use);

/// The keys of an account with who created them and their last use.
macro_rules! keys_of {
    ($user_id:expr) => {
        access_keys::table
            .inner_join(users::table.on(users::id.eq(access_keys::created_by)))
            .left_join(access_key_uses::table)
            .filter(access_keys::user_id.eq($user_id))
    };
}

macro_rules! columns {
    () => {
        (
            Row::as_select(),
            Person::as_select(),
            (access_key_uses::last_used_at, access_key_uses::last_used_address).nullable(),
        )
    };
}

fn shown((row, created_by, used): Found, era: i32, now: DateTime<Utc>) -> AccessKey {
    let (last_used_at, last_used_address) = used.unzip();
    AccessKey {
        id: row.id,
        name: row.name,
        last_four: row.last_four,
        usable: row.revoked_at.is_none() && row.expires_at > now && row.era == era,
        created_at: row.created_at,
        created_by,
        expires_at: row.expires_at,
        last_used_at,
        last_used_address: last_used_address.flatten(),
        revoked_at: row.revoked_at,
    }
}

impl AccessKey {
    /// What changes in the life of a key.
    fn version(&self) -> String {
        let seconds = |at: Option<DateTime<Utc>>| at.map_or(0, |at| at.timestamp());
        let (used, revoked) = (seconds(self.last_used_at), seconds(self.revoked_at));
        format!("{used}-{revoked}-{}", u8::from(self.usable))
    }

    fn answer(self) -> Result<Answer> {
        Ok(Answer::ok(&self)?.version(self.id, self.version()))
    }
}

impl NewAccessKey {
    /// The response to the creation of a key that is read under this path.
    ///
    /// # Errors
    /// A fault of the server.
    pub fn answer(self, keys: &str) -> Result<Answer> {
        let (id, version) = (self.shown.id, self.shown.version());
        Ok(Answer::created(format!("{keys}/{id}"), &self)?.version(id, version))
    }
}

/// A key of an account.
///
/// # Errors
/// A 404 if the account has no such key.
pub fn read(db: &mut PgConnection, actor: &Actor, user_id: Uuid, key_id: Uuid) -> Result<Answer> {
    let era: i32 = users::table.find(user_id).select(users::sign_in_era).get_result(db)?;
    let found: Found =
        keys_of!(user_id).filter(access_keys::id.eq(key_id)).select(columns!()).get_result(db)?;
    shown(found, era, actor.now).answer()
}

/// These keys of an account, in no particular order.
///
/// # Errors
/// A 404 if there is no such account.
pub fn by_ids(db: &mut PgConnection, actor: &Actor, user_id: Uuid, ids: &[Uuid]) -> Result<Vec<AccessKey>> {
    let era: i32 = users::table.find(user_id).select(users::sign_in_era).get_result(db)?;
    let found: Vec<Found> =
        keys_of!(user_id).filter(access_keys::id.eq_any(ids)).select(columns!()).load(db)?;
    Ok(found.into_iter().map(|found| shown(found, era, actor.now)).collect())
}

/// One page of the keys of an account, the newest first.
///
/// # Errors
/// A 404 if there is no such account.
pub fn list(db: &mut PgConnection, actor: &Actor, user_id: Uuid, paging: &Paging) -> Result<Answer> {
    const SORT: &str = "-created_at";
    let era: i32 = users::table.find(user_id).select(users::sign_in_era).get_result(db)?;
    let filtered = || keys_of!(user_id).into_boxed();
    let (rows, total): (Vec<Found>, _) = read_page!(
        db,
        *paging,
        SORT,
        filtered,
        (access_keys::created_at as DateTime<Utc>, access_keys::id as Uuid),
        columns!()
    );
    let items: Vec<AccessKey> = rows.into_iter().map(|row| shown(row, era, actor.now)).collect();
    paging.answer(SORT, items, total, |key| (key.created_at, key.id))
}

/// Creates a key of an account, in a transaction that has locked the account.
///
/// # Errors
/// A 422 if it would be valid for too long; [`Code::TooManyKeys`] if the account has all that it may have;
/// [`Code::WrongState`] if the service account is not active.
pub fn create(
    tx: &mut PgConnection,
    actor: &Actor,
    user_id: Uuid,
    wanted: AccessKeyCreate,
) -> Result<NewAccessKey> {
    acting::act_as(tx, actor.id)?;
    let (kind, era, is_off): (PersonKind, i32, bool) = users::table
        .find(user_id)
        .select((users::account_kind, users::sign_in_era, users::machine_active.is_not_distinct_from(false)))
        .for_no_key_update()
        .get_result(tx)?;
    if is_off {
        return Err(Problem::wrong_state("inactive"));
    }
    let now = crate::db::now(tx)?;
    let expires_at = expiry(now, wanted.expires_at)?;
    let (owner, most) = match kind {
        PersonKind::Person => (KeyOwner::Person, MOST_OF_PERSON),
        PersonKind::ServiceAccount => (KeyOwner::ServiceAccount, MOST_OF_SERVICE_ACCOUNT),
    };
    let usable: i64 = access_keys::table
        .filter(access_keys::user_id.eq(user_id))
        .filter(access_keys::revoked_at.is_null())
        .filter(access_keys::expires_at.gt(now))
        .filter(access_keys::era.eq(era))
        .count()
        .get_result(tx)?;
    if usable >= most {
        return Err(Problem::new(
            Code::TooManyKeys,
            Text::made(
                format!("Ya hay {most} claves vigentes. Revoque una."),
                format!("There are {most} usable keys already. Revoke one."),
            ),
        ));
    }
    let (id, key) = (Uuid::now_v7(), NewKey::create(owner)?);
    diesel::insert_into(access_keys::table)
        .values((
            access_keys::id.eq(id),
            access_keys::user_id.eq(user_id),
            access_keys::name.eq(wanted.name.map(|name| name.trim().to_owned())),
            access_keys::key_hash.eq(key.hash.as_bytes()),
            access_keys::last_four.eq(&key.last_four),
            access_keys::era.eq(era),
            access_keys::created_at.eq(now),
            access_keys::created_by.eq(actor.id),
            access_keys::expires_at.eq(expires_at),
        ))
        .execute(tx)?;
    let found: Found = keys_of!(user_id).filter(access_keys::id.eq(id)).select(columns!()).get_result(tx)?;
    Ok(NewAccessKey { shown: shown(found, era, now), key: key.text })
}

fn expiry(now: DateTime<Utc>, wanted: Option<DateTime<Utc>>) -> Result<DateTime<Utc>> {
    let after =
        |months| now.checked_add_months(Months::new(months)).ok_or_else(|| Problem::internal("no date"));
    let latest = after(MOST_MONTHS)?;
    match wanted {
        None => after(USUAL_MONTHS),
        Some(at) if at > now && at <= latest => Ok(at),
        Some(_) => Err(Problem::field(FieldError::new(
            "/expires_at",
            FieldCode::NotAllowed,
            Text::new("Debe estar dentro de los próximos dos años.", "It must be within the next two years."),
        ))),
    }
}

/// Revokes a key of an account. A key that was revoked stays as it is.
///
/// # Errors
/// A 404 if the account has no such key.
pub fn revoke(tx: &mut PgConnection, actor: &Actor, user_id: Uuid, key_id: Uuid) -> Result<Answer> {
    // In the order in which anonymization locks them.
    let account = users::table.find(user_id).select(users::sign_in_era);
    let era: i32 = account.for_no_key_update().get_result(tx)?;
    let found: Found =
        keys_of!(user_id).filter(access_keys::id.eq(key_id)).select(columns!()).get_result(tx)?;
    let key = shown(found, era, actor.now);
    actor.check_version(key.id, key.version())?;
    diesel::update(access_keys::table.find(key_id).filter(access_keys::revoked_at.is_null()))
        .set(access_keys::revoked_at.eq(actor.now))
        .execute(tx)?;
    Ok(Answer::no_content())
}
