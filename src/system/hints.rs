//! What an administrator should know about the configuration.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::{Config, MailTrust};
use crate::db::{migrations, server_role};
use crate::language::locale::Locale;
use crate::language::{Text, text_enum};
use crate::problem::{Problem, Result};

text_enum! {
    /// What the configuration lacks.
    pub enum SystemHintCode {
        /// No mail server is configured: messages wait.
        MailOff = "mail_off",
        /// No key is configured that signs heads of the history.
        AuditUnsigned = "audit_unsigned",
        /// The server's role in the database may change its schema.
        SchemaOwner = "schema_owner",
        /// The links in mail do not begin with `https`.
        WithoutTls = "without_tls",
        /// The number of requests of a client is not limited.
        NoRateLimit = "no_rate_limit",
        /// Mail is accepted from everyone who names a sender, staff included.
        AllMailTrusted = "all_mail_trusted",
        /// A demo account can be used.
        DemoAccounts = "demo_accounts",
        /// The schema of the database is of a later version of the server.
        LaterSchema = "later_schema",
    }
}

impl SystemHintCode {
    fn detail(self) -> Text {
        match self {
            SystemHintCode::MailOff => Text::new(
                "No hay servidor de correo (MESA_SMTP_URL): los mensajes quedan en espera.",
                "There is no mail server (MESA_SMTP_URL): messages wait.",
            ),
            SystemHintCode::AuditUnsigned => Text::new(
                "No hay clave de auditoría (MESA_AUDIT_KEY): el dueño de la base de datos puede reescribir el historial sin \
                 que se note.",
                "There is no audit key (MESA_AUDIT_KEY): the owner of the database can rewrite the history undetected.",
            ),
            SystemHintCode::SchemaOwner => Text::new(
                "El usuario de DATABASE_URL puede desactivar la protección del historial: use otro y defina \
                 MESA_OWNER_DATABASE_URL para el dueño de las tablas.",
                "The user in DATABASE_URL can disable the protection of the history: use another one, and set \
                 MESA_OWNER_DATABASE_URL to the owner of the tables.",
            ),
            SystemHintCode::WithoutTls => Text::new(
                "Los enlaces de los mensajes no usan TLS: defina MESA_PUBLIC_URL con https.",
                "Links in messages do not use TLS: set MESA_PUBLIC_URL with https.",
            ),
            SystemHintCode::NoRateLimit => Text::new(
                "No hay límite de peticiones (MESA_RATE_LIMIT=0).",
                "Requests are not limited (MESA_RATE_LIMIT=0).",
            ),
            SystemHintCode::AllMailTrusted => Text::new(
                "Se acepta correo de remitentes sin verificar, incluso del personal (MESA_MAIL_TRUST=all).",
                "Mail of senders that are not verified is accepted, even of staff (MESA_MAIL_TRUST=all).",
            ),
            SystemHintCode::DemoAccounts => Text::new(
                "Hay cuentas de demostración activas: desactívelas antes de usar datos reales.",
                "Demo accounts are active: disable them before real data are used.",
            ),
            SystemHintCode::LaterSchema => Text::new(
                "El esquema de la base de datos es de una versión posterior: actualice esta copia del servidor.",
                "The schema of the database is of a later version: update this copy of the server.",
            ),
        }
    }
}

/// A hint for administrators.
#[derive(Serialize, ToSchema)]
pub struct SystemHint {
    /// The stable code, for programs.
    code: SystemHintCode,
    /// What it means and what can be done, in the reader's language.
    #[schema(max_length = 1000)]
    detail: String,
}

/// The hints about the copy of the server that answers. `schema`: the last migration of the database.
///
/// # Errors
/// The error of the database.
pub fn read(db: &mut PgConnection, config: &Config, schema: &str, locale: Locale) -> Result<Vec<SystemHint>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    let demo: Found = diesel::sql_query(
        "SELECT EXISTS (SELECT FROM demo_accounts d JOIN users u ON u.id = d.user_id WHERE u.active) AS found",
    )
    .get_result(db)?;
    let latest = migrations::latest().map_err(Problem::internal)?;
    let all = [
        (SystemHintCode::MailOff, config.mail.is_none()),
        (SystemHintCode::AuditUnsigned, config.audit.signer.is_none()),
        (SystemHintCode::SchemaOwner, server_role::can_change_schema(db)?),
        (SystemHintCode::WithoutTls, !config.links_from().starts_with("https://")),
        (SystemHintCode::NoRateLimit, config.rate_limit == 0),
        (SystemHintCode::AllMailTrusted, config.imap.is_some() && config.mail_trust == MailTrust::All),
        (SystemHintCode::DemoAccounts, demo.found),
        (SystemHintCode::LaterSchema, *schema > *latest),
    ];
    let hints = all.into_iter().filter(|(_, applies)| *applies);
    Ok(hints
        .map(|(code, _)| SystemHint { code, detail: code.detail().in_locale(locale).to_owned() })
        .collect())
}
