//! A query string, read when its turn comes, with the field at fault named.

use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use crate::problem::{Code, FieldError, Problem, Result, Text};

/// The query string and what it should become.
pub struct Query<T> {
    raw: String,
    read_as: PhantomData<fn() -> T>,
}

impl<T> FromRequest for Query<T> {
    type Error = actix_web::Error;
    type Future = Ready<actix_web::Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Query { raw: request.query_string().to_owned(), read_as: PhantomData }))
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// The parameters; else a 400 that names the one at fault.
    pub fn read(self) -> Result<T> {
        parse(&self.raw)
    }

    /// The parameters of a list apart from those of its paging, which are the same for all lists.
    pub fn read_list(self) -> Result<(super::paging::Paging, T)> {
        let (paging, own): (Vec<&str>, Vec<&str>) =
            self.raw.split('&').filter(|pair| !pair.is_empty()).partition(|pair| {
                let name = pair.split('=').next().unwrap_or_default();
                matches!(name, "limit" | "cursor" | "with_total")
            });
        let paging: super::paging::Paging = parse(&paging.join("&"))?;
        paging.check()?;
        Ok((paging, parse(&own.join("&"))?))
    }
}

fn parse<T: DeserializeOwned>(raw: &str) -> Result<T> {
    if raw.contains("%00") {
        return Err(invalid(
            "",
            Text::new("No admite el carácter nulo.", "The NUL character is not allowed."),
        ));
    }
    let pairs = serde_html_form::Deserializer::from_bytes(raw.as_bytes());
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let path = error.path().to_string();
        let name = path.split(['.', '[']).next().unwrap_or_default().trim_matches('?').to_owned();
        let why = error.into_inner().to_string();
        invalid(&name, Text::made(format!("No se entiende: {why}."), format!("Not understood: {why}.")))
    })
}

#[track_caller]
pub fn invalid(name: &str, detail: Text) -> Problem {
    let mut problem = Problem::new(
        Code::InvalidQuery,
        Text::new("Revise los parámetros de la consulta.", "See the query's parameters."),
    );
    problem.errors.push(FieldError::new(format!("/{name}"), "invalid_parameter", detail));
    problem
}
