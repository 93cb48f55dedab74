//! The frame of the pages that a link in a mail opens, with the name and the logo of the entity: without scripts and
//! without signing in.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Value, context};
use sha2::{Digest, Sha256};

use crate::config::Entity;
use crate::language::locale::Locale;
use crate::problem::Result;
use crate::templates::Templates;

/// A page in the frame.
pub struct Page {
    templates: Templates,
    style: String,
    /// `Content-Security-Policy`: the page shows its own style and the logo that it contains and sends its own form, and
    /// nothing else.
    policy: String,
}

impl Page {
    /// `template` extends `frame.html` and has the blocks `title` and `content`; it may use `locale` and the function
    /// `t(spanish, english)`. `style` comes after the style of the frame.
    pub fn new(template: &'static str, style: &str) -> Self {
        let templates = Templates::new(|environment| {
            environment.add_template("frame.html", include_str!("frame.html"))?;
            environment.add_template("page.html", template)
        });
        let style = format!("{}{style}", include_str!("frame.css"));
        let digest = STANDARD.encode(Sha256::digest(&style));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'"
        );
        Page { templates, style, policy }
    }

    /// # Errors
    /// An internal error if the template cannot be rendered, which is a fault of the build.
    pub fn html(&self, locale: Locale, entity: &Entity, context: Value) -> Result<String> {
        let choose = move |es: String, en: String| if locale == Locale::Es { es } else { en };
        let logo = entity.logo.as_ref();
        let frame = context! {
            locale => locale.as_str(),
            style => &self.style,
            t => Value::from_function(choose),
            entity => entity.own_name(),
            logo => logo.map(|logo| {
                Value::from_safe_string(format!("data:image/png;base64,{}", STANDARD.encode(&logo.bytes)))
            }),
        };
        self.templates.render("page.html", context! { ..frame, ..context })
    }

    /// The page as a response that no cache keeps and no other site frames.
    pub fn respond(
        &self,
        status: StatusCode,
        locale: Locale,
        entity: &Entity,
        context: Value,
    ) -> HttpResponse {
        match self.html(locale, entity, context) {
            Ok(html) => HttpResponse::build(status)
                .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
                .insert_header((header::CONTENT_LANGUAGE, locale.as_str()))
                .insert_header((header::CONTENT_SECURITY_POLICY, self.policy.as_str()))
                .insert_header((header::REFERRER_POLICY, "no-referrer"))
                .insert_header((header::X_FRAME_OPTIONS, "DENY"))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .insert_header((header::VARY, "Accept-Language"))
                .body(html),
            Err(problem) => HttpResponse::from_error(problem),
        }
    }
}
