//! A service account, as the API represents it.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::person::PersonKind;
use crate::auth::policy::{self, Action, Role};
use crate::db::schema::users;
use crate::http::catalogue::NameSort;
use crate::http::paging::{Page, Paging, read_page};
use crate::http::{Answer, Call, Query};
use crate::problem::Result;

/// A machine that acts under its own name.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceAccount {
    /// Identifier of the service account: the `client_id` of `POST /auth/token`.
    pub id: Uuid,
    /// The name, as history and followups show it.
    #[schema(max_length = 200, example = "Inventario de equipos")]
    pub name: String,
    /// What the service account is for; `null` if nothing is recorded.
    #[schema(max_length = 1000, example = "Registra incidentes de los servidores vigilados.")]
    pub description: Option<String>,
    /// The role: the service account may do nothing that it does not allow.
    pub role: Role,
    /// The actions of the role that the service account may carry out.
    #[schema(max_items = 100)]
    pub scopes: Vec<Action>,
    /// The units of whose requesters it may use tickets; of all if empty.
    #[schema(max_items = 100)]
    pub unit_ids: Vec<Uuid>,
    /// The categories of which it may use tickets; all if empty.
    #[schema(max_items = 100)]
    pub category_ids: Vec<Uuid>,
    /// Keys of a service account that is not active are refused; its history is kept.
    pub active: bool,
    /// When the service account was created.
    pub created_at: DateTime<Utc>,
    /// When the service account was last changed.
    pub updated_at: DateTime<Utc>,
    #[serde(skip)]
    pub version: i32,
    #[serde(skip)]
    name_key: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Row {
    id: Uuid,
    full_name: String,
    #[diesel(column_name = account_description)]
    description: Option<String>,
    role: Role,
    scopes: Option<Vec<String>>,
    machine_active: Option<bool>,
    machine_unit_ids: Vec<Uuid>,
    machine_category_ids: Vec<Uuid>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i32,
    full_name_key: String,
}

impl From<Row> for ServiceAccount {
    fn from(row: Row) -> Self {
        ServiceAccount {
            id: row.id,
            name: row.full_name,
            description: row.description,
            role: row.role,
            scopes: policy::actions_of(&row.scopes.unwrap_or_default()),
            unit_ids: row.machine_unit_ids,
            category_ids: row.machine_category_ids,
            active: row.machine_active == Some(true),
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
            name_key: row.full_name_key,
        }
    }
}

impl ServiceAccount {
    /// # Errors
    /// A 404 if there is none; a person is none.
    pub fn find(db: &mut PgConnection, id: Uuid) -> Result<Self> {
        let machines = users::table.filter(users::account_kind.eq(PersonKind::ServiceAccount));
        Ok(machines.find(id).select(Row::as_select()).get_result(db)?.into())
    }

    /// The same, locked until the end of the transaction.
    ///
    /// # Errors
    /// A 404 if there is none.
    pub fn lock(tx: &mut PgConnection, id: Uuid) -> Result<Self> {
        let machines = users::table.filter(users::account_kind.eq(PersonKind::ServiceAccount));
        Ok(machines.find(id).select(Row::as_select()).for_no_key_update().get_result(tx)?.into())
    }

    pub fn answer(self) -> Result<Answer> {
        let version = self.version;
        Ok(Answer::ok(&self)?.version(self.id, version))
    }
}

/// Which service accounts to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ServiceAccountFilters {
    /// `true`: only active ones; `false`: only the others; all if omitted.
    active: Option<bool>,
    /// `name` (the default) or `-name`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// List service accounts
///
/// In the order of the names.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageServiceAccounts))),
    tag = "service accounts", operation_id = "listServiceAccounts", params(Paging, ServiceAccountFilters),
    responses((status = 200, body = Page<ServiceAccount>, description = "One page of the service accounts"))
)]
#[get("/service-accounts")]
pub async fn list(call: Call, query: Query<ServiceAccountFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(NameSort::Ascending).as_str();
        let filtered = || {
            let mut query =
                users::table.filter(users::account_kind.eq(PersonKind::ServiceAccount)).into_boxed();
            if let Some(active) = filters.active {
                query = query.filter(users::machine_active.eq(active));
            }
            query
        };
        let (rows, total): (Vec<Row>, _) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (users::full_name_key as String, users::id as Uuid),
            Row::as_select()
        );
        let items: Vec<ServiceAccount> = rows.into_iter().map(ServiceAccount::from).collect();
        paging.answer(sort, items, total, |one| (one.name_key.clone(), one.id))
    })
    .await
}

/// Read a service account
///
/// Its keys are listed by `GET /service-accounts/{service_account_id}/keys`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageServiceAccounts))),
    tag = "service accounts", operation_id = "getServiceAccount", params(("service_account_id" = Uuid, Path, description = "Identifier of the service account.")),
    responses((status = 200, body = ServiceAccount, description = "The service account"))
)]
#[get("/service-accounts/{service_account_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| ServiceAccount::find(db, *id)?.answer()).await
}
