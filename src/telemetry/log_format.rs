//! The form of the log: lines of text, or a JSON object for each line.

use std::io::Write;
use std::str::FromStr;

use chrono::{SecondsFormat, Utc};
use log::Record;
use log::kv::{self, Key, Value, VisitSource};
use serde_json::{Map, json};

/// The variable with the form.
pub const VARIABLE: &str = "MESA_LOG_FORMAT";

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object for each line.
    Json,
}

impl LogFormat {
    pub const fn as_str(self) -> &'static str {
        match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }
    }
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(()),
        }
    }
}

/// Starts the log, before the configuration is read. A wrong form is reported with the other variables.
pub fn start() {
    let mut builder =
        env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn,mesa=info"));
    let format: Option<LogFormat> = std::env::var(VARIABLE).ok().and_then(|text| text.parse().ok());
    if format == Some(LogFormat::Json) {
        builder.format(|out, record| writeln!(out, "{}", line(record)));
    }
    builder.init();
}

/// The JSON object of a record, on one line.
fn line(record: &Record<'_>) -> String {
    let mut fields = Fields(Map::new());
    // The collection itself has no errors.
    let _ = record.key_values().visit(&mut fields);
    let Fields(mut object) = fields;
    object.insert("timestamp".into(), Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true).into());
    object.insert("level".into(), record.level().as_str().to_lowercase().into());
    object.insert("target".into(), record.target().into());
    object.insert("message".into(), record.args().to_string().into());
    serde_json::Value::Object(object).to_string()
}

struct Fields(Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        // Stands for nothing in the lines for people.
        if value.to_borrowed_str() == Some("-") {
            return Ok(());
        }
        let value = match (value.to_borrowed_str(), value.to_u64(), value.to_f64()) {
            (Some(text), ..) => json!(text),
            (None, Some(number), _) => json!(number),
            (None, None, Some(number)) => json!(number),
            _ => json!(value.to_string()),
        };
        self.0.insert(key.as_str().to_owned(), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_with_its_fields() {
        let fields: [(&str, Value<'_>); 5] = [
            ("status", Value::from(200_u16)),
            ("duration_ms", Value::from(1.5)),
            ("route", Value::from("/tickets/{ticket_id}")),
            ("level", Value::from("not this")),
            ("account", Value::from("-")),
        ];
        let fields = &fields[..];
        let args = format_args!("two\nlines \"and\" quotes");
        let record = Record::builder()
            .args(args)
            .level(log::Level::Warn)
            .target("mesa::access")
            .key_values(&fields)
            .build();
        let text = line(&record);
        assert!(!text.contains('\n'), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["message"], "two\nlines \"and\" quotes");
        assert_eq!((&read["level"], &read["target"]), (&json!("warn"), &json!("mesa::access")));
        assert_eq!((&read["status"], &read["duration_ms"]), (&json!(200), &json!(1.5)));
        assert_eq!(read["route"], "/tickets/{ticket_id}");
        assert!(read.get("account").is_none(), "{read}");
        let at = read["timestamp"].as_str().unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(at).is_ok() && at.ends_with('Z'), "{at}");
    }
}
