//! Activity 11: indicators (FO-DE-15 Ficha de Indicadores) and their measurements by period.

mod approval;
mod attachments;
pub mod definitions;
mod form;
pub mod frequency;
pub mod light;
pub mod measure;
pub mod measurements;
pub mod measures;
pub mod results;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .service(definitions::list)
        .service(definitions::create)
        .service(definitions::read)
        .service(definitions::change)
        .service(measurements::list)
        .service(measure::measure)
        .service(measurements::read)
        .service(measurements::change)
        .service(approval::approve)
        .service(attachments::attach)
        .service(attachments::list);
}
