//! Lists of catalogues: by name, active entries or all, by a part of the name.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::language::text_enum;

text_enum! {
    /// The order of a list by name.
    pub enum NameSort {
        Ascending = "name",
        Descending = "-name",
    }
}

/// Filters for the list of a catalogue.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CatalogueFilters {
    /// `true`: only entries that can be chosen; `false`: only those that can no longer be chosen; all if omitted.
    pub active: Option<bool>,
    /// Only entries whose name contains this text, ignoring accents and case.
    #[param(max_length = 200)]
    pub q: Option<String>,
    /// `name` (the default) or `-name`.
    #[param(inline)]
    pub sort: Option<NameSort>,
}

impl CatalogueFilters {
    pub fn sort(&self) -> &'static str {
        self.sort.unwrap_or(NameSort::Ascending).as_str()
    }
}

/// Reads one page of a catalogue as `(rows, total)`: `read_catalogue!(db, paging, filters, table, source, selection)`. The table
/// has `id`, `active` and `name_key`, the folded name; `source` is the table with what is joined to it.
macro_rules! read_catalogue {
    ($db:expr, $paging:expr, $filters:expr, $table:ident, $source:expr, $selection:expr $(,)?) => {{
        let filtered = || {
            let mut query = $source.into_boxed();
            if let Some(active) = $filters.active {
                query = query.filter($table::active.eq(active));
            }
            if let Some(text) = &$filters.q {
                let pattern = $crate::db::fold($crate::db::contains(text));
                query = query.filter($table::name_key.like(pattern));
            }
            query
        };
        $crate::http::paging::read_page!(
            $db,
            $paging,
            $filters.sort(),
            filtered,
            ($table::name_key as String, $table::id as uuid::Uuid),
            $selection
        )
    }};
}
pub(crate) use read_catalogue;
