//! A body that is a form, read when its turn comes.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use super::body::receive;
use super::receive::ReceivedBody;
use crate::problem::{Code, Problem, Result, Text};

/// The bytes of a body that is a form.
pub struct FormBytes(std::result::Result<ReceivedBody, Problem>);

impl FromRequest for FormBytes {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = actix_web::Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let raw = receive(request, payload, &["application/x-www-form-urlencoded"]);
        Box::pin(async move { Ok(FormBytes(raw.await?)) })
    }
}

impl FormBytes {
    /// # Errors
    /// The fault of the body: its length, its type, or an incomplete transfer.
    pub fn received(self) -> Result<ReceivedBody> {
        self.0
    }
}

/// A body that is a form.
pub struct Form<T> {
    raw: FormBytes,
    read_as: PhantomData<fn() -> T>,
}

impl<T> FromRequest for Form<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = actix_web::Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let raw = FormBytes::from_request(request, payload);
        Box::pin(async move { Ok(Form { raw: raw.await?, read_as: PhantomData }) })
    }
}

impl<T: DeserializeOwned> Form<T> {
    /// # Errors
    /// A 400 if it is not a form.
    pub fn read(self) -> Result<T> {
        serde_html_form::from_bytes(&self.raw.received()?.bytes).map_err(|_| {
            Problem::new(
                Code::BadRequest,
                Text::new("El formulario no se puede leer.", "The form cannot be read."),
            )
        })
    }
}
