//! Work that takes longer than a request: carried out in the background by any copy of the server, read under `/jobs`.

mod cancellation;
mod file;
pub mod held;
pub mod job;
mod list;
pub mod queue;
pub mod removal;
pub mod results;
pub mod worker;

use crate::auth::policy::Action;
use crate::http::routes::Routes;

/// The actions of which a caller needs one to read their jobs: each job needs one of them.
const ACTIONS: [Action; 2] = [Action::ReadTicket, Action::RegisterTicket];

pub fn routes(routes: &mut Routes) {
    routes
        .service(list::list)
        .service(list::read)
        .service(cancellation::cancel)
        .service(results::list)
        .service(file::download);
}
