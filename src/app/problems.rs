//! The pages under `/problems/` for the `type` of a problem: its meaning, in the reader's language.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::web::{Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get};
use minijinja::context;

use crate::language::locale::{self, Locale};
use crate::problem::{Code, Problem, Result};
use crate::templates::Templates;

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    Templates::new(|environment| environment.add_template("page.html", include_str!("problems.html")))
});

pub fn routes(config: &mut ServiceConfig) {
    config.service(all).service(one);
}

#[get("/problems")]
async fn all(request: HttpRequest) -> Result<HttpResponse> {
    page(&request, Code::ALL)
}

#[get("/problems/{code}")]
async fn one(request: HttpRequest, code: Path<String>) -> Result<HttpResponse> {
    let known =
        Code::ALL.iter().find(|known| known.as_str() == code.as_str()).ok_or_else(Problem::not_found)?;
    page(&request, std::slice::from_ref(known))
}

fn page(request: &HttpRequest, codes: &[Code]) -> Result<HttpResponse> {
    let locale = locale::asked(request).unwrap_or(Locale::Es);
    let problems: Vec<minijinja::Value> = codes
        .iter()
        .map(|code| {
            context! {
                code => code.as_str(),
                status => code.status().as_u16(),
                title => code.title().in_locale(locale),
                meaning => code.meaning().in_locale(locale),
            }
        })
        .collect();
    let html = TEMPLATES.render("page.html", context! { locale => locale.as_str(), problems })?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_LANGUAGE, locale.as_str()))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        ))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .insert_header((header::VARY, "Accept-Language"))
        .body(html))
}
