//! Tickets: from the report of an incident to its closing, step by step.

pub mod access_grants;
pub mod appointment;
pub mod archiving;
pub mod attachments;
pub mod attention;
pub mod automatic;
mod bulk;
pub mod categories;
pub mod change;
pub mod clock;
pub mod closing;
mod counts;
pub mod escalations;
pub mod event_details;
pub mod events;
pub mod expansion;
mod exports;
pub mod filters;
pub mod followups;
pub mod holds;
mod imports;
pub mod information;
pub mod information_deadline;
pub mod jobs;
mod limit;
pub mod list;
pub mod merged;
pub mod minimum_data;
pub mod model;
mod names;
pub mod on_behalf;
mod others;
pub mod permitted;
pub mod presence;
pub mod read;
mod receipt;
mod reception;
pub mod register;
pub mod registration;
pub mod relations;
pub mod release;
pub mod requester;
pub mod roster;
pub mod staff_calls;
pub mod steps;
pub mod store;
pub mod suggestions;
mod summary;
pub mod survey;
pub mod timeline;
pub mod watch;
pub mod watchers;
pub mod workflow;
pub mod workload;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .service(list::list)
        .service(exports::download::download)
        .service(exports::queue::create)
        .service(counts::count)
        .service(register::register)
        .service(bulk::carry_out)
        .service(imports::import)
        .service(read::read)
        .service(receipt::read)
        .service(change::change)
        .configure(steps::routes)
        .service(followups::list)
        .service(followups::add)
        .service(followups::read)
        .service(followups::publish)
        .service(attachments::attach)
        .service(attachments::list)
        .service(attachments::attach_to_followup)
        .service(attachments::list_of_followup)
        .service(events::list)
        .service(escalations::list)
        .service(escalations::escalate)
        .service(escalations::read)
        .service(suggestions::suggest)
        .service(timeline::list)
        .service(relations::list)
        .service(relations::relate)
        .service(relations::read)
        .service(relations::remove)
        .service(watchers::list)
        .service(watchers::add)
        .service(watchers::read)
        .service(watchers::remove)
        .service(presence::read)
        .service(presence::enter)
        .service(presence::leave)
        .service(access_grants::list::list)
        .service(access_grants::list::read)
        .service(access_grants::revocation::revoke)
        .service(categories::list)
        .service(categories::create)
        .service(categories::read)
        .service(categories::change)
        .configure(attention::routes);
}
