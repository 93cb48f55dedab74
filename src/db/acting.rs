//! Passes the acting account to the database, whose triggers record it with each change.

use diesel::RunQueryDsl;
use diesel::pg::PgConnection;
use uuid::Uuid;

use crate::problem::Result;

/// The setting that `record_change` reads.
pub const ACTOR_ID: &str = "mesa.actor_id";

diesel::define_sql_function! {
    /// Sets a parameter of the session; with `is_local` until the transaction ends.
    fn set_config(name: diesel::sql_types::Text, value: diesel::sql_types::Text, is_local: diesel::sql_types::Bool) -> diesel::sql_types::Text;
}

/// Changes until the end of this transaction are recorded as those of this account.
pub fn act_as(tx: &mut PgConnection, user_id: Uuid) -> Result<()> {
    diesel::select(set_config(ACTOR_ID, user_id.to_string(), true)).get_result::<String>(tx)?;
    Ok(())
}
