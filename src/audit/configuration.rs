//! The configuration in the audit log: one event if a start finds another version or configuration than the last one.

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::log::{self, AuditEvent, AuditKind, AuditResource};
use super::{Data, changes};
use crate::config::Config;
use crate::db;
use crate::db::json::Json;
use crate::db::schema::audit_events;
use crate::problem::Result;

/// Records the version and the configuration of a server that starts, if they differ from the last recorded ones.
pub fn record(db: &mut PgConnection, config: &Config) -> Result<()> {
    let current = shown(config);
    db.transaction(|tx| {
        let last: Option<Json<Data>> = audit_events::table
            .filter(audit_events::resource.eq(AuditResource::Configuration))
            .order((audit_events::at.desc(), audit_events::id.desc()))
            .select(audit_events::data)
            .first(tx)
            .optional()?;
        let known = last.as_ref().map(|Json(data)| &data.details["configuration"]);
        if known == Some(&current) {
            return Ok(());
        }
        // The first event has no changes: everything is in its details.
        let changes = known.map_or_else(|| Ok(Vec::new()), |known| changes(known, &current))?;
        let event = AuditEvent {
            kind: if known.is_some() { AuditKind::Changed } else { AuditKind::Created },
            resource: AuditResource::Configuration,
            resource_id: None,
            actor_id: None,
            changes,
            details: json!({"configuration": current}),
        };
        let now = db::now(tx)?;
        log::record(tx, now, event)
    })
}

/// The version and every setting. For a secret only whether it is set.
fn shown(config: &Config) -> Value {
    // Without `..`: a new setting does not compile until it is decided how it is recorded.
    let Config {
        database_url,
        owner_database_url,
        direct_database_url,
        read_url,
        // Such a server records nothing.
        read_only: _,
        listen,
        tls,
        data_dir,
        jwt_secret,
        jwt_previous_secret,
        demo_password,
        log_format,
        migrate,
        drain_seconds,
        otlp_endpoint,
        timezone,
        entity,
        forms,
        pool_size,
        workers,
        rate_limit,
        account_streams,
        streams,
        body_memory_bytes,
        trusted_proxies,
        webhook_allow,
        cors_origins,
        attachments_url,
        attachment_max_bytes,
        attachment_types,
        mail_authserv_id,
        mail_hops,
        mail_trust,
        imap,
        mail_max_bytes,
        mail_sender_limit,
        mail_repeat_hours,
        mail_stranger_limit,
        close_after_days,
        information_days,
        provisional_criticality,
        mail,
        public_url,
        survey_days,
        survey_reminder_days,
        audit,
        backup_key,
        backup_passphrase,
    } = config;
    let operation = json!({
        "database_url": presence(database_url),
        "owner_database_url": presence(owner_database_url),
        "direct_database_url": presence(direct_database_url),
        "read_url": presence(read_url),
        "migrate": migrate.as_str(),
        "drain_seconds": drain_seconds,
        "pool_size": pool_size,
        "workers": workers,
    });
    let settings = json!({
        "listen": listen,
        "tls_certificate": tls.as_ref().map(|tls| &tls.certificate),
        "tls_key": tls.as_ref().map(|tls| &tls.key),
        "data_dir": data_dir,
        "jwt_secret": presence(jwt_secret),
        "jwt_previous_secret": presence(jwt_previous_secret),
        "demo_password": presence(demo_password),
        "timezone": timezone.name(),
        "entity_name": entity.name,
        "entity_logo": presence(&entity.logo),
        "forms": {
            "process": forms.process,
            "minutes": forms.minutes,
            "indicator": forms.indicator,
            "improvement_plan": forms.improvement_plan,
            "risk_matrix": forms.risk_matrix,
        },
        "rate_limit": rate_limit,
        "streams": {"of_account": account_streams, "of_all": streams},
        "body_memory_bytes": body_memory_bytes,
        "trusted_proxies": trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "webhook_allow": webhook_allow.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "cors_origins": cors_origins,
        "attachments_url": attachments_url.as_deref().map(without_credentials),
        "attachment_max_bytes": attachment_max_bytes,
        "attachment_types": attachment_types,
        "mail_authserv_id": mail_authserv_id,
        "mail_hops": mail_hops,
        "mail_trust": mail_trust.as_str(),
        "mail_max_bytes": mail_max_bytes,
        "mail_sender_limit": mail_sender_limit,
        "mail_repeat_hours": mail_repeat_hours,
        "mail_stranger_limit": mail_stranger_limit,
        "close_after_days": close_after_days,
        "information_days": information_days,
        "provisional_criticality": provisional_criticality,
        "public_url": public_url,
        "survey_days": survey_days,
        "survey_reminder_days": survey_reminder_days,
        "backup_key": presence(backup_key),
        "backup_passphrase": presence(backup_passphrase),
        "audit_keys": audit.public_keys().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "audit_mail": audit.mail.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    let mailboxes = json!({
        "smtp_url": mail.as_ref().map(|mail| without_credentials(&mail.smtp_url)),
        "mail_from": mail.as_ref().map(|mail| mail.from.to_string()),
        "imap_host": imap.as_ref().map(|imap| &imap.host),
        "imap_port": imap.as_ref().map(|imap| imap.port),
        "imap_tls": imap.as_ref().map(|imap| imap.tls),
        "imap_user": imap.as_ref().map(|imap| &imap.user),
        "imap_password": presence(imap),
        "imap_mailbox": imap.as_ref().map(|imap| &imap.mailbox),
        "imap_done": imap.as_ref().map(|imap| &imap.done),
        "imap_interval_seconds": imap.as_ref().map(|imap| imap.every.as_secs()),
    });
    let telemetry = json!({
        "log_format": log_format.as_str(),
        "otlp_endpoint": otlp_endpoint.as_deref().map(without_credentials),
    });
    let mut all = Map::new();
    all.insert("release".to_owned(), env!("CARGO_PKG_VERSION").into());
    for part in [operation, settings, mailboxes, telemetry] {
        if let Value::Object(part) = part {
            all.extend(part);
        }
    }
    Value::Object(all)
}

fn presence<T>(secret: &Option<T>) -> &'static str {
    if secret.is_some() { "set" } else { "unset" }
}

/// The address of a server without user, password and parameters.
fn without_credentials(url: &str) -> String {
    url::Url::parse(url).map_or_else(
        |_| "set".to_owned(),
        |url| {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_recorded() {
        let variables = [
            ("DATABASE_URL", "postgresql://mesa:secreto-1@db/mesa"),
            ("MESA_JWT_SECRET", "secreto-2-0123456789abcdef0123456789"),
            ("MESA_JWT_PREVIOUS_SECRET", "secreto-3-0123456789abcdef0123456789"),
            ("MESA_DEMO_PASSWORD", "secreto-4-largo"),
            ("MESA_SMTP_URL", "smtps://mesa:secreto-5@mail.example"),
            ("MESA_MAIL_FROM", "mesa@example.gov.co"),
            ("MESA_PUBLIC_URL", "https://mesa.example.gov.co"),
            ("MESA_IMAP_URL", "imaps://mesa:secreto-6@mail.example/Mesa"),
            ("MESA_MAIL_AUTHSERV_ID", "mx.example"),
        ];
        let get =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        let shown = shown(&Config::read(&get).unwrap());
        assert!(!shown.to_string().contains("secreto"), "{shown}");
        assert_eq!(shown["jwt_secret"], "set");
        assert_eq!(shown["smtp_url"], "smtps://mail.example");
        assert_eq!(shown["imap_host"], "mail.example");
    }
}
