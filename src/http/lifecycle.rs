//! Operations that will be removed: `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) on every response.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use chrono::NaiveDate;
use serde_json::Value;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");
/// Explains what replaces the operation.
const DOCUMENTATION: HeaderValue =
    HeaderValue::from_static("</docs/>; rel=\"deprecation\"; type=\"text/html\"");

/// The extensions by which a handler that is `#[deprecated]` states the dates.
const DEPRECATED_ON: &str = "x-deprecated-on";
const SUNSET_ON: &str = "x-sunset";

/// Since when an operation is deprecated, and the day from which on it may be missing; both days begin at 00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lifecycle {
    deprecated_on: NaiveDate,
    sunset_on: NaiveDate,
}

impl Lifecycle {
    /// That of an operation as the contract describes it; `None` unless it is deprecated with both dates.
    pub fn of_operation(operation: &Value) -> Option<Self> {
        let date = |name: &str| operation[name].as_str()?.parse().ok();
        let lifecycle = Lifecycle { deprecated_on: date(DEPRECATED_ON)?, sunset_on: date(SUNSET_ON)? };
        (operation["deprecated"] == true).then_some(lifecycle)
    }

    /// Adds the headers of a deprecated operation to its response.
    pub fn add_headers(self, headers: &mut HeaderMap) {
        let start = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
        let deprecation = format!("@{}", start(self.deprecated_on).timestamp());
        let sunset = start(self.sunset_on).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        for (name, value) in [(DEPRECATION, deprecation), (SUNSET, sunset)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        headers.append(LINK, DOCUMENTATION);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_deprecated_operation_has_both_dates_in_its_headers() {
        let operation =
            json!({"deprecated": true, "x-deprecated-on": "2027-01-15", "x-sunset": "2027-07-31"});
        let mut headers = HeaderMap::new();
        Lifecycle::of_operation(&operation).unwrap().add_headers(&mut headers);
        // The examples of the RFCs have these forms.
        assert_eq!(headers.get("deprecation").unwrap(), "@1799971200");
        assert_eq!(headers.get("sunset").unwrap(), "Sat, 31 Jul 2027 00:00:00 GMT");
        assert_eq!(headers.get("link").unwrap(), "</docs/>; rel=\"deprecation\"; type=\"text/html\"");
    }

    #[test]
    fn other_operations_have_none() {
        for operation in [
            json!({}),
            json!({"deprecated": true}),
            json!({"x-deprecated-on": "2027-01-15", "x-sunset": "2027-07-31"}),
        ] {
            assert_eq!(Lifecycle::of_operation(&operation), None, "{operation}");
        }
    }
}
