//! A query string, validated only after the caller and the permission were checked, with the parameter at fault
//! named.

use std::collections::BTreeMap;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;

use super::desk::Desk;
use super::paging::{Paging, Seal};
use super::schemas::Schemas;
use crate::problem::{Code, FieldCode, FieldError, FieldPlace, Problem, Result, Text};

/// The query string and the type to read from it.
pub struct Query<T> {
    /// The operation in the contract: `GET /api/v1/tickets`.
    operation: String,
    raw: String,
    path: String,
    desk: web::Data<Desk>,
    schemas: Arc<Schemas>,
    read_as: PhantomData<fn() -> T>,
}

impl<T> FromRequest for Query<T> {
    type Error = actix_web::Error;
    type Future = Ready<actix_web::Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let path = request.match_pattern().unwrap_or_default();
        let raw = request.query_string().to_owned();
        let query = || {
            Ok(Query {
                operation: format!("{} {path}", request.method()),
                raw,
                path: request.path().to_owned(),
                desk: Desk::of_app(request)?,
                schemas: Schemas::of_app(request)?,
                read_as: PhantomData,
            })
        };
        ready(query().map_err(|problem: Problem| problem.into()))
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// The query of an earlier request to this operation, such as `GET /api/v1/tickets`.
    pub fn stored(operation: &str, raw: String, desk: web::Data<Desk>, schemas: Arc<Schemas>) -> Self {
        let (operation, path) = (operation.to_owned(), String::new());
        Query { operation, raw, path, desk, schemas, read_as: PhantomData }
    }

    /// The query as it was sent.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Reads commas in the values of this parameter as repetitions: `by=a,b` as `by=a&by=b`.
    pub fn separated_by_commas(self, name: &str) -> Self {
        let mut raw = url::form_urlencoded::Serializer::new(String::new());
        for (each, value) in url::form_urlencoded::parse(self.raw.as_bytes()) {
            let values = if each == name { value.split(',').collect() } else { vec![&*value] };
            raw.extend_pairs(values.into_iter().map(|value| (&*each, value)));
        }
        Query { raw: raw.finish(), ..self }
    }

    /// The parameters; otherwise a 400 that names every one at fault.
    pub fn read(self) -> Result<T> {
        decode(&self.pairs()?)
    }

    /// The same, with the parameter of this name separated.
    pub fn read_apart<E: DeserializeOwned>(self, name: &str) -> Result<(E, T)> {
        let (apart, own): (Vec<_>, Vec<_>) = self.pairs()?.into_iter().partition(|(each, _)| each == name);
        Ok((decode(&apart)?, decode(&own)?))
    }

    /// The parameters as they were sent, by name, for the audit log. The search text is omitted: it may name people.
    pub fn parameters(&self) -> BTreeMap<String, Vec<String>> {
        let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(self.raw.as_bytes()) {
            let values = parameters.entry(name.clone().into_owned()).or_default();
            if name != "q" {
                values.push(value.into_owned());
            }
        }
        parameters
    }

    /// The parameters of a list, separated from those of its paging, which are the same for all lists.
    pub fn read_list(self) -> Result<(Paging, T)> {
        let (paging, own): (Vec<_>, Vec<_>) =
            self.pairs()?.into_iter().partition(|(name, _)| is_paging(name));
        Ok((self.sealed(decode(&paging)?, &own)?, decode(&own)?))
    }

    /// The same, with the parameter `expand` separated too.
    pub fn read_expanded_list<E: DeserializeOwned>(self) -> Result<(Paging, E, T)> {
        self.read_list_apart("expand")
    }

    /// The same, with the parameter of this name separated too. It does not belong to what the cursor is valid for.
    pub fn read_list_apart<E: DeserializeOwned>(self, name: &str) -> Result<(Paging, E, T)> {
        let (paging, own): (Vec<_>, Vec<_>) =
            self.pairs()?.into_iter().partition(|(name, _)| is_paging(name));
        let (apart, own): (Vec<_>, Vec<_>) = own.into_iter().partition(|(each, _)| each == name);
        Ok((self.sealed(decode(&paging)?, &own)?, decode(&apart)?, decode(&own)?))
    }

    /// With the keys that seal its cursors: they are valid for this list with these filters. The order is in the
    /// cursor itself.
    fn sealed(&self, paging: Paging, own: &[(String, String)]) -> Result<Paging> {
        let mut filters: Vec<_> = own.iter().filter(|(name, _)| name != "sort").collect();
        filters.sort();
        let list = serde_json::to_vec(&("cursor", &self.path, filters)).map_err(Problem::internal)?;
        Ok(Paging { seal: Seal(self.desk.tokens.fingerprints(&list)?), ..paging })
    }

    /// Name and value of each parameter, validated against the contract.
    fn pairs(&self) -> Result<Vec<(String, String)>> {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(self.raw.as_bytes()).into_owned().collect();
        let errors = self.schemas.query_faults(&self.operation, &pairs);
        if errors.is_empty() { Ok(pairs) } else { Err(refused(errors)) }
    }
}

fn is_paging(name: &str) -> bool {
    matches!(name, "limit" | "cursor" | "with_total")
}

/// If the contract accepts a parameter that the type rejects, the difference is one that a schema cannot express.
fn decode<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T> {
    let raw = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let parsed = serde_html_form::Deserializer::from_bytes(raw.as_bytes());
    serde_path_to_error::deserialize(parsed).map_err(|error| {
        let path = error.path().to_string();
        let name = path.split(['.', '[']).next().unwrap_or_default().trim_matches('?').to_owned();
        let why = error.into_inner().to_string();
        invalid(
            &name,
            Text::made(format!("El valor no es válido: {why}."), format!("The value is not valid: {why}.")),
        )
    })
}

#[track_caller]
pub(super) fn refused(errors: Vec<FieldError>) -> Problem {
    let mut problem = Problem::new(
        Code::InvalidQuery,
        Text::new("Revise los parámetros de la consulta.", "Check the query parameters."),
    );
    problem.errors =
        errors.into_iter().map(|error| FieldError { place: FieldPlace::Query, ..error }).collect();
    problem
}

/// A parameter that is valid by the contract but rejected by the handler.
#[track_caller]
pub fn invalid(name: &str, detail: Text) -> Problem {
    refused(vec![FieldError::new(format!("/{name}"), FieldCode::NotAllowed, detail)])
}
