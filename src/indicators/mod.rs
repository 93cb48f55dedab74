//! Activity 11: indicators (FO-DE-15 Ficha de Indicadores) and their measurements by quarter.

mod approval;
pub mod definitions;
mod light;
pub mod measure;
pub mod measurements;
pub mod measures;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(definitions::list)
        .service(definitions::create)
        .service(definitions::read)
        .service(definitions::change)
        .service(measurements::list)
        .service(measure::measure)
        .service(measurements::read)
        .service(measurements::change)
        .service(approval::approve);
}
