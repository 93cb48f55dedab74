//! What the registration of a ticket depends on, read in one statement.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::attention::policies::{self, Policy};
use super::categories::RequiredProfile;
use super::model::Criticality;
use crate::db::Statement;
use crate::problem::Result;

/// The choices of a request.
pub struct Choices {
    pub received_at: DateTime<Utc>,
    /// The criticality whose attention time counts until the classification.
    pub provisional: Criticality,
    pub unit_id: Option<Uuid>,
    /// Whether the unit may be an inactive one: that of the account.
    pub may_be_inactive: bool,
    pub category_id: Option<Uuid>,
}

/// The unit of a request.
#[derive(Clone)]
pub struct Unit {
    pub id: Uuid,
    pub name: String,
    pub head_id: Option<Uuid>,
}

/// What the registration of a ticket depends on.
#[derive(Clone)]
pub struct Terms {
    /// The policy of the provisional clock.
    pub policy: Policy,
    /// `None` if there is no such unit.
    pub unit: Option<Unit>,
    /// The profile that the category requires; `None` if there is no such active category.
    pub profile: Option<RequiredProfile>,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(embed)]
    policy: Policy,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    unit_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    unit_name: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    head_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    required_profile: Option<RequiredProfile>,
}

impl Choices {
    /// # Errors
    /// An error of the database.
    pub fn terms(&self, db: &mut PgConnection) -> Result<Terms> {
        let statement = Statement::new(
            "SELECT p.*, u.id AS unit_id, u.name AS unit_name, u.head_id, c.required_profile FROM (",
        );
        let found: Found = statement
            .query(policies::for_new_clock(self.provisional, self.received_at))
            .sql(") AS p LEFT JOIN units u ON u.id = ")
            .bind::<Nullable<SqlUuid>, _>(self.unit_id)
            .sql(" AND (u.active OR ")
            .bind::<Bool, _>(self.may_be_inactive)
            .sql(") LEFT JOIN categories c ON c.active AND c.id = ")
            .bind::<Nullable<SqlUuid>, _>(self.category_id)
            .get_result(db)?;
        let unit =
            found.unit_id.zip(found.unit_name).map(|(id, name)| Unit { id, name, head_id: found.head_id });
        Ok(Terms { policy: found.policy, unit, profile: found.required_profile })
    }
}
