//! Expired forms of the procedure. Forms refer to one another: a form that a remaining form refers to remains too.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::RetentionKind;
use crate::problem::Result;

/// Forms that ended before these moments are removed; `None` for a kind that is kept indefinitely.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub minutes: Option<DateTime<Utc>>,
    pub measurements: Option<DateTime<Utc>>,
    pub improvement_actions: Option<DateTime<Utc>>,
    pub risks: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Form {
    #[diesel(sql_type = Text)]
    kind: RetentionKind,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The forms to remove.
pub struct Going(Vec<Form>);

impl Going {
    pub fn ids(&self, kind: RetentionKind) -> Vec<Uuid> {
        self.0.iter().filter(|form| form.kind == kind).map(|form| form.id).collect()
    }
}

/// `$1` to `$4` are the limits of minutes, measurements, improvement actions and risks.
const DUE: &str = "\
    WITH RECURSIVE due AS ( \
        SELECT 'minutes' AS kind, id FROM minutes WHERE signed_at < $1 \
        UNION ALL SELECT 'measurements', id FROM measurements WHERE approved_at < $2 \
        UNION ALL SELECT 'improvement_actions', id FROM improvement_actions WHERE verified_at < $3 \
        UNION ALL SELECT 'risks', id FROM risks WHERE status = 'closed' AND updated_at < $4 \
    ), names (by_id, id) AS ( \
        SELECT id, improvement_action_id FROM measurements WHERE improvement_action_id IS NOT NULL \
        UNION ALL SELECT id, coalesce(origin_risk_id, origin_minutes_id, origin_measurement_id) FROM improvement_actions \
            WHERE num_nonnulls(origin_risk_id, origin_minutes_id, origin_measurement_id) > 0 \
        UNION ALL SELECT id, coalesce(origin_risk_id, origin_minutes_id, origin_measurement_id) FROM risks \
            WHERE num_nonnulls(origin_risk_id, origin_minutes_id, origin_measurement_id) > 0 \
    ), stays (id) AS ( \
        SELECT n.id FROM names n WHERE NOT EXISTS (SELECT FROM due d WHERE d.id = n.by_id) \
        UNION SELECT n.id FROM stays s JOIN names n ON n.by_id = s.id \
    ) \
    SELECT kind, id FROM due WHERE NOT EXISTS (SELECT FROM stays s WHERE s.id = due.id)";

/// The expired forms that no remaining form refers to.
pub fn due(db: &mut PgConnection, limits: Limits) -> Result<Going> {
    let found = diesel::sql_query(DUE)
        .bind::<Nullable<Timestamptz>, _>(limits.minutes)
        .bind::<Nullable<Timestamptz>, _>(limits.measurements)
        .bind::<Nullable<Timestamptz>, _>(limits.improvement_actions)
        .bind::<Nullable<Timestamptz>, _>(limits.risks);
    Ok(Going(found.load(db)?))
}

/// Removes them with everything that belongs to them: the forms in one statement, since references can be circular.
/// Their files are removed first: the database redacts the events of a form and of its parts when it deletes the
/// form.
///
/// # Errors
/// If a concurrent transaction has just referred to one of them.
pub fn remove(tx: &mut PgConnection, going: &Going, now: DateTime<Utc>) -> Result<()> {
    diesel::sql_query(
        "WITH files AS (DELETE FROM attachments WHERE improvement_action_id = ANY($1) OR minutes_id = ANY($3) \
             OR risk_id = ANY($4) RETURNING storage_key), \
         told AS (DELETE FROM messages WHERE improvement_action_id = ANY($1)) \
         INSERT INTO removed_files (storage_key, removed_at) SELECT DISTINCT storage_key, $2 FROM files \
         ON CONFLICT (storage_key) DO UPDATE SET removed_at = EXCLUDED.removed_at",
    )
    .bind::<Array<SqlUuid>, _>(going.ids(RetentionKind::ImprovementActions))
    .bind::<Timestamptz, _>(now)
    .bind::<Array<SqlUuid>, _>(going.ids(RetentionKind::Minutes))
    .bind::<Array<SqlUuid>, _>(going.ids(RetentionKind::Risks))
    .execute(tx)?;
    diesel::sql_query(
        "WITH no_minutes AS (DELETE FROM minutes WHERE id = ANY($1)), \
         no_measurements AS (DELETE FROM measurements WHERE id = ANY($2)), \
         no_actions AS (DELETE FROM improvement_actions WHERE id = ANY($3)) \
         DELETE FROM risks WHERE id = ANY($4)",
    )
    .bind::<Array<SqlUuid>, _>(going.ids(RetentionKind::Minutes))
    .bind::<Array<SqlUuid>, _>(going.ids(RetentionKind::Measurements))
    .bind::<Array<SqlUuid>, _>(going.ids(RetentionKind::ImprovementActions))
    .bind::<Array<SqlUuid>, _>(going.ids(RetentionKind::Risks))
    .execute(tx)?;
    Ok(())
}
