//! The chart of a table. Pure.

use super::content::MOST_BARS;
use super::document::{ChartKind, Table};
use crate::documents::chart::{self, Series};
use crate::documents::drawing::Drawing;
use crate::language::Locale;

/// `None` if the table has no chart or no values.
pub fn draw(table: &Table) -> Option<Drawing> {
    let chart = table.chart.as_ref()?;
    let most = if chart.kind == ChartKind::Bars { MOST_BARS } else { usize::MAX };
    let rows: Vec<_> = table.rows.iter().take(most).collect();
    let labels: Vec<String> = rows.iter().filter_map(|row| Some(row.first()?.shown(Locale::Es))).collect();
    let series = chart.series.iter().filter_map(|place| {
        let cells = || rows.iter().map(|row| row.get(*place));
        Some(Series {
            name: (*table.columns.get(*place)?).to_owned(),
            values: cells().map(|cell| cell?.value()).collect(),
            shown: cells().map(|cell| cell.map(|cell| cell.shown(Locale::Es)).unwrap_or_default()).collect(),
        })
    });
    chart::draw(chart.kind, &labels, &series.collect::<Vec<_>>(), Locale::Es)
}
