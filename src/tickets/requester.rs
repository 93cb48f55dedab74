//! The requester of a new ticket: the account, and the data of the ticket that differ from it.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::TicketRow;
use crate::db::schema::users;
use crate::http::Actor;
use crate::people::callers::{self, PersonData};
use crate::people::user::{Contact, is_named};
use crate::problem::{FieldError, Result};

/// The requester's data for this ticket, if they differ from those of the account. A field that is omitted is taken
/// from the account. The account itself does not change, but what it lacks and staff give on behalf of its owner is
/// added to it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequesterData {
    /// The full name.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Rosa Pérez Gómez")]
    pub full_name: Option<String>,
    /// The number of the identity document. Required if the account has none.
    #[schema(min_length = 1, max_length = 30, pattern = r"\S", example = "43111220")]
    pub document_id: Option<String>,
    /// The telephone numbers; at least one of them. They replace those of the account as a whole. Required if the
    /// account has none.
    pub contact: Option<Contact>,
    /// The address by which staff find the person for whom they register a ticket, without `requester_id`; of a new
    /// person the address for mail. Optional: a person without an address gets no mail. Not for requesters, nor with
    /// an account that is already known.
    #[schema(format = "email", min_length = 3, max_length = 254, example = "ana.restrepo@example.gov.co")]
    pub email: Option<String>,
    /// Identifier of an active unit. Required if the account has no unit.
    pub unit_id: Option<Uuid>,
}

impl RequesterData {
    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        let RequesterData { full_name, document_id, contact, email, unit_id } = self;
        full_name.is_none()
            && document_id.is_none()
            && contact.is_none()
            && email.is_none()
            && unit_id.is_none()
    }

    /// The same, without spaces around the name and the document.
    pub fn trimmed(self) -> Self {
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
        RequesterData { full_name: trimmed(self.full_name), document_id: trimmed(self.document_id), ..self }
    }
}

/// The data of the requester's account.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Account {
    pub(super) id: Uuid,
    pub(super) full_name: String,
    pub(super) email: String,
    pub(super) document_id: Option<String>,
    #[diesel(embed)]
    pub(super) contact: Contact,
    pub(super) unit_id: Option<Uuid>,
    contract_ends_on: Option<NaiveDate>,
}

impl Account {
    /// The account to be created for a person who has none.
    pub fn unknown(full_name: &str, email: Option<&str>) -> Self {
        let id = Uuid::now_v7();
        Account {
            id,
            full_name: full_name.trim().to_owned(),
            email: callers::address(id, email),
            document_id: None,
            contact: Contact::default(),
            unit_id: None,
            contract_ends_on: None,
        }
    }

    pub fn id(&self) -> Uuid {
        self.id
    }

    pub fn unit_id(&self) -> Option<Uuid> {
        self.unit_id
    }

    /// The last day of the contract, if it is over in the entity's time zone.
    pub fn ended_contract(&self, actor: &Actor) -> Option<NaiveDate> {
        let today = actor.now.with_timezone(&actor.timezone).date_naive();
        self.contract_ends_on.filter(|last_day| *last_day < today)
    }

    /// The account of an active user; it stays active until the end of the transaction.
    pub fn active(tx: &mut PgConnection, id: Uuid) -> Result<Option<Self>> {
        let found = users::table.find(id).filter(users::active).select(Account::as_select());
        Ok(found.for_key_share().get_result(tx).optional()?)
    }

    /// Fills missing data with those of an earlier ticket.
    pub fn or_as_in(mut self, ticket: &TicketRow) -> Self {
        if !is_named(&self.full_name) {
            self.full_name.clone_from(&ticket.requester_full_name);
        }
        self.document_id = self.document_id.or_else(|| ticket.requester_document_id.clone());
        self.unit_id = self.unit_id.or(ticket.requester_unit_id);
        if self.contact.is_empty() {
            self.contact = Contact {
                landline: ticket.requester_landline.clone(),
                extension: ticket.requester_extension.clone(),
                mobile: ticket.requester_mobile.clone(),
            };
        }
        self
    }

    /// Fills missing data with others of the same person.
    pub fn or(mut self, data: PersonData) -> Self {
        if let Some(name) = data.full_name.filter(|_| !is_named(&self.full_name)) {
            self.full_name = name;
        }
        self.document_id = self.document_id.or(data.document_id);
        self.unit_id = self.unit_id.or(data.unit.map(|(id, _)| id));
        if self.contact.is_empty() {
            self.contact = data.contact;
        }
        self
    }

    /// The minimum data that are missing from both the call and the account.
    pub fn gaps(&self, given: &Value) -> Vec<FieldError> {
        let mut gaps = Vec::new();
        let mut need = |there: bool, name: &str| {
            if !there && given[name].is_null() {
                gaps.push(FieldError::required(format!("/requester/{name}")));
            }
        };
        need(is_named(&self.full_name), "full_name");
        need(self.document_id.is_some(), "document_id");
        need(self.unit_id.is_some(), "unit_id");
        need(!self.contact.is_empty(), "contact");
        if given["full_name"].as_str().is_some_and(|name| !is_named(name)) {
            gaps.push(FieldError::required("/requester/full_name"));
        }
        if given["contact"].as_object().is_some_and(|contact| contact.values().all(Value::is_null)) {
            gaps.push(FieldError::required("/requester/contact"));
        }
        gaps
    }
}
