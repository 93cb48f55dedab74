//! Removing a person's data from the audit events about them and by them.

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::traces;
use crate::problem::Result;

/// The fields of an account that contain no personal data; the values of all others are removed.
const IMPERSONAL: [&str; 5] = ["active", "locale", "role", "shifts", "staff_mail"];

/// Removes the person's data, in the transaction of the anonymization. For events about the account, all details and
/// the values of its fields are removed; for events by the person, the matches of `pattern`. Hashes, times, kinds and
/// names of fields remain. Materialized, so that the remaining data are computed once per event.
pub fn redact(tx: &mut PgConnection, person: Uuid, pattern: &str) -> Result<()> {
    diesel::sql_query(
        "WITH redacted AS MATERIALIZED (SELECT o.id, jsonb_build_object('details', '{}'::jsonb, 'changes', ( \
             SELECT coalesce(jsonb_agg(CASE WHEN change ->> 'field' = ANY ($2) THEN change ELSE jsonb_build_object( \
                 'field', change -> 'field', \
                 'from', CASE change -> 'from' WHEN 'null' THEN 'null' ELSE to_jsonb($3) END, \
                 'to', CASE change -> 'to' WHEN 'null' THEN 'null' ELSE to_jsonb($3) END) END ORDER BY place), '[]') \
             FROM jsonb_array_elements(o.data -> 'changes') WITH ORDINALITY AS changes (change, place))) AS data \
             FROM audit_events o WHERE o.resource = 'user' AND o.resource_id = $1::text) \
         UPDATE audit_events e SET data_salt = NULL, data = redacted.data FROM redacted \
         WHERE e.id = redacted.id AND e.data <> redacted.data",
    )
    .bind::<SqlUuid, _>(person)
    .bind::<Array<Text>, _>(&IMPERSONAL[..])
    .bind::<Text, _>(traces::INSTEAD)
    .execute(tx)?;
    diesel::sql_query(
        "WITH redacted AS MATERIALIZED ( \
             SELECT o.id, without_traces(o.data, $2, $3) AS data FROM audit_events o WHERE o.actor_id = $1) \
         UPDATE audit_events e SET data_salt = NULL, data = redacted.data FROM redacted \
         WHERE e.id = redacted.id AND e.data <> redacted.data",
    )
    .bind::<SqlUuid, _>(person)
    .bind::<Text, _>(pattern)
    .bind::<Text, _>(traces::INSTEAD)
    .execute(tx)?;
    Ok(())
}
