//! How the entity's quality system identifies the forms of the procedure.

use chrono::NaiveDate;
use serde::Serialize;

use super::reader::Reader;

/// The longest code, version and name of the process, in characters.
const LONGEST: usize = 100;

/// The forms, and the process that they belong to.
#[derive(Debug, Clone)]
pub struct Forms {
    pub process: String,
    pub minutes: FormCode,
    pub indicator: FormCode,
    pub improvement_plan: FormCode,
    pub risk_matrix: FormCode,
}

/// The identification of a form.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FormCode {
    pub code: String,
    pub version: Option<String>,
    /// The day from which the version applies.
    pub valid_from: Option<NaiveDate>,
}

impl FormCode {
    /// `FO-DE-01; 07; 2024-05-03`, where version and date may be missing.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let short = |part: &&str| part.chars().count() <= LONGEST;
        let code = parts.next().filter(short).filter(|code| !code.is_empty())?.to_owned();
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let (version, day) = (next(), next());
        if version.is_some_and(|version| !short(&version)) || parts.next().is_some() {
            return None;
        }
        let valid_from = day.map(|day| day.parse()).transpose().ok()?;
        Some(FormCode { code, version: version.map(str::to_owned), valid_from })
    }
}

impl Reader<'_> {
    pub fn forms(&mut self) -> Forms {
        let short = |name: &str| name.chars().count() <= LONGEST;
        let process = self.checked("MESA_FORM_PROCESS", short, "up to 100 characters");
        Forms {
            process: process.unwrap_or_else(|| "Gestión del Recurso Físico y Logístico".to_owned()),
            minutes: self.form("MESA_FORM_MINUTES", "FO-DE-01"),
            indicator: self.form("MESA_FORM_INDICATOR", "FO-DE-15"),
            improvement_plan: self.form("MESA_FORM_IMPROVEMENT_PLAN", "FO-EM-15"),
            risk_matrix: self.form("MESA_FORM_RISK_MATRIX", "FO-DE-11"),
        }
    }

    fn form(&mut self, variable: &'static str, default: &str) -> FormCode {
        let expected = "code, version and date, separated by semicolons, such as FO-DE-01; 07; 2024-05-03";
        let text = self.checked(variable, |text| FormCode::parse(text).is_some(), expected);
        let unset = || FormCode { code: default.to_owned(), version: None, valid_from: None };
        text.as_deref().and_then(FormCode::parse).unwrap_or_else(unset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_date_of_a_form_are_optional() {
        let form = |text| FormCode::parse(text).map(|form| (form.code, form.version, form.valid_from));
        let day = NaiveDate::from_ymd_opt(2024, 5, 3);
        let code = || "FO-DE-01".to_owned();
        assert_eq!(form("FO-DE-01"), Some((code(), None, None)));
        assert_eq!(form("FO-DE-01; 07"), Some((code(), Some("07".to_owned()), None)));
        assert_eq!(form("FO-DE-01;07;2024-05-03"), Some((code(), Some("07".to_owned()), day)));
        assert_eq!(form("FO-DE-01;;2024-05-03"), Some((code(), None, day)));
        for wrong in ["", ";07", "FO-DE-01;07;03/05/2024", "FO-DE-01;07;2024-05-03;x"] {
            assert_eq!(form(wrong), None, "{wrong}");
        }
    }
}
