//! The database role of the server: it reads and writes rows, and neither owns the tables nor is a superuser. So it
//! cannot change the schema, disable triggers or truncate tables. Migrations and restoring run as the owner.

use std::error::Error;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use super::migrations;
use super::session::{self, Bounds};

/// The server's role in a private PostgreSQL.
pub const PRIVATE: &str = "mesa_server";

/// The URLs to connect as each role.
#[derive(Debug, Clone)]
pub struct DatabaseUrls {
    /// For migrations, `restore` and `seed`.
    pub owner: String,
    /// For everything else that needs a session; the same as `owner` if no other role is configured.
    pub server: String,
    /// For requests, if it is a pooler in transaction mode.
    pub pooler: Option<String>,
    /// Whether it is a private PostgreSQL, of which Mesa also sets the password of the server's role.
    pub is_private: bool,
}

impl DatabaseUrls {
    pub fn are_different(&self) -> bool {
        self.owner != self.server
    }
}

/// The password of the server's role in a private PostgreSQL; the owner's cannot be computed from it.
pub fn password_from(owner: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{PRIVATE}\n{owner}")))
}

/// Creates the server's role if it is missing and grants it the necessary rights, as the owner of the tables.
pub fn prepare(owner: &mut PgConnection, urls: &DatabaseUrls) -> Result<(), Box<dyn Error + Send + Sync>> {
    // Without its password, if an administrator wrote the URL in a form that only libpq reads.
    let (role, password) = match credentials(&urls.server) {
        Some(credentials) => credentials,
        None => (current_user(&mut session::open(&urls.server, Bounds::Command)?)?, None),
    };
    if urls.is_private {
        return migrations::alone(owner, |owner| {
            grant(owner, &role, password.as_deref())?;
            Ok(set_password(owner, &role, password.as_deref().unwrap_or_default())?)
        });
    }
    if has_privileges(owner, &role)? {
        return Ok(());
    }
    migrations::alone(owner, |owner| Ok(grant(owner, &role, password.as_deref())?))
}

/// Whether the role exists and can work with every table, so that nothing has to be granted.
fn has_privileges(owner: &mut PgConnection, role: &str) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        has: bool,
    }
    let found: Found = diesel::sql_query(
        "SELECT COALESCE(bool_and(CASE c.relkind WHEN 'S' THEN has_sequence_privilege(r.oid, c.oid, 'USAGE') \
             ELSE has_table_privilege(r.oid, c.oid, 'SELECT') AND CASE c.relname WHEN '__diesel_schema_migrations' \
                 THEN NOT has_table_privilege(r.oid, c.oid, 'INSERT') ELSE has_table_privilege(r.oid, c.oid, 'INSERT') AND has_table_privilege(r.oid, c.oid, 'UPDATE') \
                    AND has_table_privilege(r.oid, c.oid, 'DELETE') END END), false) AS has \
         FROM pg_roles r CROSS JOIN pg_class c \
         WHERE r.rolname = $1 AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'S') \
           AND has_database_privilege(r.oid, current_database(), 'CONNECT') \
           AND has_schema_privilege(r.oid, 'public', 'USAGE') AND NOT has_schema_privilege(r.oid, 'public', 'CREATE') \
           AND (SELECT has_schema_privilege(r.oid, extnamespace, 'USAGE') FROM pg_extension WHERE extname = 'unaccent')",
    )
    .bind::<Text, _>(role)
    .get_result(owner)?;
    Ok(found.has)
}

/// Sets the password of a role.
fn set_password(owner: &mut PgConnection, role: &str, password: &str) -> QueryResult<()> {
    #[derive(QueryableByName)]
    struct Sql {
        #[diesel(sql_type = Text)]
        sql: String,
    }
    let Sql { sql } = diesel::sql_query("SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1, $2) AS sql")
        .bind::<Text, _>(role)
        .bind::<Text, _>(password)
        .get_result(owner)?;
    owner.batch_execute(&sql)
}

/// Grants a role the rights of the server. A missing role is created, with this password; another one keeps its own.
pub fn grant(owner: &mut PgConnection, role: &str, password: Option<&str>) -> QueryResult<()> {
    #[derive(QueryableByName)]
    struct Sql {
        #[diesel(sql_type = Nullable<Text>)]
        role: Option<String>,
        #[diesel(sql_type = Text)]
        privileges: String,
    }
    let sql: Sql = diesel::sql_query(
        "SELECT format(CASE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) \
                            THEN 'CREATE ROLE %I LOGIN PASSWORD %L' END, $1, $2) AS role, \
             format('GRANT USAGE ON SCHEMA %3$s TO %1$I; \
                 REVOKE CREATE ON SCHEMA public FROM PUBLIC; \
                 REVOKE TEMPORARY ON DATABASE %2$I FROM PUBLIC; \
                 GRANT CONNECT ON DATABASE %2$I TO %1$I; \
                 GRANT USAGE ON SCHEMA public TO %1$I; \
                 GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %1$I; \
                 GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA public TO %1$I; \
                 REVOKE INSERT, UPDATE, DELETE ON __diesel_schema_migrations FROM %1$I; \
                 ALTER DEFAULT PRIVILEGES IN SCHEMA public \
                     GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %1$I; \
                 ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, USAGE ON SEQUENCES TO %1$I', \
                 $1, current_database(), \
                 (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'unaccent')) AS privileges",
    )
    .bind::<Text, _>(role)
    .bind::<Nullable<Text>, _>(password)
    .get_result(owner)?;
    if let Some(sql) = sql.role.filter(|sql| !sql.is_empty()) {
        owner.batch_execute(&sql)?;
    }
    // In one transaction: the server never lacks a right that it had.
    owner.transaction(|tx| tx.batch_execute(&sql.privileges))
}

/// User and password of a URL; `None` if it has no user or is written in a form that only libpq reads.
fn credentials(url: &str) -> Option<(String, Option<String>)> {
    let (_, rest) = url.split_once("://")?;
    let (credentials, _) = rest.split(['/', '?']).next()?.rsplit_once('@')?;
    let decoded = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    let (user, password) = match credentials.split_once(':') {
        Some((user, password)) => (user, Some(decoded(password)?)),
        None => (credentials, None),
    };
    (!user.is_empty()).then_some((decoded(user)?, password))
}

fn current_user(connection: &mut PgConnection) -> QueryResult<String> {
    #[derive(QueryableByName)]
    struct User {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let user: User = diesel::sql_query("SELECT current_user::text AS name").get_result(connection)?;
    Ok(user.name)
}

/// Whether this role can disable the protection of the history: it is a superuser, or has the rights of the tables'
/// owner.
pub fn can_change_schema(connection: &mut PgConnection) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        can: bool,
    }
    let found: Found = diesel::sql_query(
        "SELECT r.rolsuper OR EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace \
             AND c.relkind = 'r' AND pg_has_role(r.oid, c.relowner, 'USAGE')) AS can \
         FROM pg_roles r WHERE r.rolname = current_user",
    )
    .get_result(connection)?;
    Ok(found.can)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_read_from_a_url() {
        let some = |user: &str, password: Option<&str>| Some((user.to_owned(), password.map(str::to_owned)));
        for (url, expected) in [
            ("postgresql://mesa_server:a%40b@db:5432/mesa", some("mesa_server", Some("a@b"))),
            ("postgresql://mesa_server:x@/mesa?port=5432&host=%2Ftmp", some("mesa_server", Some("x"))),
            ("postgres://mesa@db/mesa", some("mesa", None)),
            ("postgresql://db/mesa?user=a@b", None),
            ("postgresql:///mesa", None),
        ] {
            assert_eq!(credentials(url), expected, "{url}");
        }
        assert_ne!(password_from("a"), password_from("b"));
    }
}
