//! Name and logo of the entity, for its reports, its pages and the signature of its mail.

use std::path::Path;
use std::sync::Arc;

use super::reader::{Reader, Wrong};
use crate::config::logo::Logo;

/// The name of an entity that is not configured.
const UNNAMED: &str = "Mesa de Servicios";

/// The entity at the head of a report.
#[derive(Debug, Clone)]
pub struct Entity {
    pub name: String,
    /// `None` if there is no image.
    pub logo: Option<Arc<Logo>>,
    /// The procedure that requires the quarterly report.
    pub procedure: Procedure,
}

/// The code and the version of a controlled document.
#[derive(Debug, Clone)]
pub struct Procedure {
    pub code: String,
    pub version: String,
}

impl Default for Entity {
    fn default() -> Self {
        Entity { name: UNNAMED.to_owned(), logo: None, procedure: Procedure::default() }
    }
}

impl Default for Procedure {
    fn default() -> Self {
        Procedure { code: "PR-RF-09".to_owned(), version: "06".to_owned() }
    }
}

impl Entity {
    /// The configured name; `None` if there is none.
    pub fn own_name(&self) -> Option<&str> {
        Some(self.name.as_str()).filter(|name| *name != UNNAMED)
    }
}

impl Reader<'_> {
    pub fn entity(&mut self) -> Entity {
        let short = |name: &str| name.chars().count() <= 200;
        let name = self.checked("MESA_ENTITY_NAME", short, "up to 200 characters");
        let path = self.text("MESA_ENTITY_LOGO");
        let logo = path.as_ref().and_then(|path| Logo::read(Path::new(path)));
        if let (Some(path), None) = (path, &logo) {
            let expected = format!("expected a PNG file of up to 512 KiB, found {path:?}");
            self.wrong.push(Wrong { variable: "MESA_ENTITY_LOGO", expected });
        }
        let brief = |text: &str| text.chars().count() <= 30;
        let code = self.checked("MESA_PROCEDURE_CODE", brief, "up to 30 characters");
        let version = self.checked("MESA_PROCEDURE_VERSION", brief, "up to 30 characters");
        let procedure = Procedure {
            code: code.unwrap_or_else(|| "PR-RF-09".to_owned()),
            version: version.unwrap_or_else(|| "06".to_owned()),
        };
        let name = name.unwrap_or_else(|| UNNAMED.to_owned());
        Entity { name, logo: logo.map(Arc::new), procedure }
    }
}
