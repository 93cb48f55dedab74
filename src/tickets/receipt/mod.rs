//! The receipt of a request: a page to print for its requester.

use std::sync::LazyLock;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Value, context};

use super::model::{Archive, Channel, Ticket};
use super::store;
use crate::auth::policy::Action;
use crate::config::Config;
use crate::http::Call;
use crate::http::body::Content;
use crate::language::locale::{self, Locale};
use crate::people;
use crate::problem::{Problem, Result, Text};
use crate::templates::Templates;

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    Templates::new(|environment| environment.add_template("page.html", include_str!("page.html")))
});
const STYLE: &str = include_str!("page.css");
/// The page shows its own style and the logo that it contains, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

impl Channel {
    fn name(self) -> Text {
        match self {
            Channel::Api | Channel::Web => Text::new("Web", "Web"),
            Channel::Email => Text::new("Correo electrónico", "Email"),
            Channel::Phone => Text::new("Teléfono", "Telephone"),
            Channel::InPerson => Text::new("En persona", "In person"),
        }
    }
}

/// Read the receipt of a ticket
///
/// A page to print for the requester, for example at the counter: the entity with its logo, the number of the ticket, its
/// subject and description, when and by which channel it was received and by whom it was registered, the requester's
/// data, and what happens next. HTML without scripts or other files, in the language of `Accept-Language`, otherwise of
/// the requester. A ticket that was imported has none (404): it was received elsewhere.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket)), ("x-mesa-unversioned" = json!(true))),
    tag = "tickets", operation_id = "getTicketReceipt",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    responses((status = 200, description = "The page", content_type = "text/html", body = Content))
)]
#[get("/tickets/{ticket_id}/receipt")]
pub async fn read(call: Call, id: Path<i64>, request: HttpRequest) -> Result<HttpResponse> {
    let asked = locale::asked(&request);
    let found = call.look(move |db, actor| {
        let row = store::visible(db, actor, *id)?;
        if row.imported_at.is_some() {
            return Err(Problem::not_found());
        }
        let locale = match asked {
            Some(locale) => locale,
            None => people::users::locale(db, row.requester_id)?,
        };
        Ok((store::one(db, actor, row)?, locale))
    });
    let (ticket, locale) = found.await?;
    let page = TEMPLATES.render("page.html", shown(&ticket, locale, &call.desk.config))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, format!("inline; filename=\"solicitud-{}.html\"", ticket.id)))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((VARY, "Accept-Language"))
        .body(page))
}

/// What the template is rendered with.
fn shown(ticket: &Ticket, locale: Locale, config: &Config) -> Value {
    let choose = move |es: String, en: String| if locale == Locale::Es { es } else { en };
    let requester = &ticket.requester;
    let contact = &requester.contact;
    let numbers = [
        (Text::new("teléfono", "landline"), &contact.landline),
        (Text::new("extensión", "extension"), &contact.extension),
        (Text::new("celular", "mobile"), &contact.mobile),
    ];
    let numbers: Vec<String> = numbers
        .iter()
        .filter_map(|(name, number)| Some(format!("{} {}", name.in_locale(locale), number.as_deref()?)))
        .collect();
    let by_staff = ticket.registered_by.as_ref().filter(|person| person.id != requester.id);
    let archive = ticket.archive.as_ref().map(|Archive { reason, note, .. }| {
        let (why, next_step) = (reason.why(), reason.next_step());
        context! { why => why.in_locale(locale), next_step => next_step.in_locale(locale), note }
    });
    context! {
        t => Value::from_function(choose),
        locale => locale.as_str(),
        style => Value::from_safe_string(STYLE.to_owned()),
        entity => &config.entity.name,
        logo => config.entity.logo.as_ref().map(|logo| format!("data:image/png;base64,{}", STANDARD.encode(&logo.bytes))),
        id => ticket.id,
        subject => &ticket.subject,
        description => &ticket.description,
        received_at => locale.moment(ticket.received_at, config.timezone),
        channel => ticket.channel.name().in_locale(locale),
        category => ticket.category.as_ref().map(|category| &category.name),
        registered_by => by_staff.map(|person| &person.full_name),
        full_name => &requester.full_name,
        document_id => &requester.document_id,
        contact => numbers.join(", "),
        unit => requester.unit.as_ref().map(|unit| &unit.name),
        email => requester.has_email.then_some(&requester.email),
        archive,
    }
}
