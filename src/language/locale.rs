//! The language of a response.

use actix_web::HttpRequest;
use actix_web::http::header::{ACCEPT_LANGUAGE, AcceptLanguage, Header, Quality};
use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;

use crate::language::text_enum;

text_enum! {
    /// A language of the desk.
    pub enum Locale {
        /// Spanish, the default.
        Es = "es",
        /// English.
        En = "en",
    }
}

const DAYS: [[&str; 7]; 2] = [
    ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
];
#[rustfmt::skip]
const MONTHS: [[&str; 12]; 2] = [
    [
        "enero", "febrero", "marzo", "abril", "mayo", "junio",
        "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
    ],
    [
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ],
];

impl Locale {
    /// A formatted moment in this time zone: `martes 24 de noviembre de 2026 a las 3:00 p. m.`,
    /// `Tuesday 24 November 2026 at 3:00 p.m.`
    pub fn moment(self, moment: DateTime<Utc>, timezone: Tz) -> String {
        let local = moment.with_timezone(&timezone);
        let (day, minute) = (self.day(local.date_naive()), local.minute());
        let (afternoon, hour) = local.hour12();
        match self {
            Locale::Es => {
                let at = if hour == 1 { "a la" } else { "a las" };
                let half = if afternoon { "p. m." } else { "a. m." };
                format!("{day} {at} {hour}:{minute:02} {half}")
            }
            Locale::En => {
                let half = if afternoon { "p.m." } else { "a.m." };
                format!("{day} at {hour}:{minute:02} {half}")
            }
        }
    }

    /// A formatted day: `martes 24 de noviembre de 2026`, `Tuesday 24 November 2026`.
    pub fn day(self, day: NaiveDate) -> String {
        let name = DAYS[self as usize][day.weekday().num_days_from_monday() as usize];
        let month = MONTHS[self as usize][day.month0() as usize];
        let (number, year) = (day.day(), day.year());
        match self {
            Locale::Es => format!("{name} {number} de {month} de {year}"),
            Locale::En => format!("{name} {number} {month} {year}"),
        }
    }
}

/// The language of the request by `Accept-Language`; `None` if it names neither Spanish nor English.
pub fn asked(request: &HttpRequest) -> Option<Locale> {
    request.headers().get(ACCEPT_LANGUAGE)?;
    let mut accepted = AcceptLanguage::parse(request).ok()?;
    // Languages with quality 0 are not acceptable.
    accepted.0.retain(|language| language.quality > Quality::ZERO);
    accepted.ranked().iter().find_map(|preference| {
        let tag = preference.item()?.as_str().to_ascii_lowercase();
        match tag.split('-').next() {
            Some("es") => Some(Locale::Es),
            Some("en") => Some(Locale::En),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_by_the_clock_of_the_time_zone() {
        let bogota = chrono_tz::America::Bogota;
        for (moment, es, en) in [
            (
                "2026-11-24T20:00:00Z",
                "martes 24 de noviembre de 2026 a las 3:00 p. m.",
                "Tuesday 24 November 2026 at 3:00 p.m.",
            ),
            (
                "2027-01-01T04:05:00Z",
                "jueves 31 de diciembre de 2026 a las 11:05 p. m.",
                "Thursday 31 December 2026 at 11:05 p.m.",
            ),
            (
                "2026-08-01T06:30:59Z",
                "sábado 1 de agosto de 2026 a la 1:30 a. m.",
                "Saturday 1 August 2026 at 1:30 a.m.",
            ),
            (
                "2026-05-03T17:00:00Z",
                "domingo 3 de mayo de 2026 a las 12:00 p. m.",
                "Sunday 3 May 2026 at 12:00 p.m.",
            ),
        ] {
            let moment: DateTime<Utc> = moment.parse().unwrap();
            assert_eq!(Locale::Es.moment(moment, bogota), es);
            assert_eq!(Locale::En.moment(moment, bogota), en);
        }
    }
}
