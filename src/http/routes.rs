//! Where features register their handlers.

use actix_web::dev::HttpServiceFactory;
use actix_web::web;
use utoipa_actix_web::OpenApiFactory;
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of an application that serves requests, or of one that only describes itself. The contract is built once: a serving
/// application, which each worker builds for itself, does without it.
pub enum Routes<'a, 's> {
    Serving(&'a mut web::ServiceConfig),
    Describing(&'a mut ServiceConfig<'s>),
}

impl Routes<'_, '_> {
    pub fn service<F>(&mut self, factory: F) -> &mut Self
    where
        F: HttpServiceFactory + OpenApiFactory + 'static,
    {
        match self {
            Routes::Serving(config) => {
                config.service(factory);
            }
            Routes::Describing(config) => {
                config.service(factory);
            }
        }
        self
    }

    pub fn configure(&mut self, register: impl FnOnce(&mut Routes<'_, '_>)) -> &mut Self {
        register(self);
        self
    }
}
