//! Paging of every list: a cursor that names the last row of a page, so that each page costs the same at any depth.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Answer;
use crate::problem::{Code, Problem, Result, Text};

/// The size and the start of a page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// The maximum number of items of the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// The start of the page: `next_cursor` of the previous page, with the same filters and the same order. The first
    /// page if omitted.
    #[param(min_length = 1, max_length = 2000)]
    pub cursor: Option<String>,
    /// Whether to count the items of the whole list; the number is returned in `total`.
    #[serde(default)]
    #[param(required = false, default = false)]
    pub with_total: bool,
    #[serde(skip)]
    #[param(ignore)]
    pub seal: Seal,
}

/// The keys that seal a cursor, derived from this list and its filters: the current one first, then the previous one.
#[derive(Default)]
pub struct Seal(pub Vec<Vec<u8>>);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    fn close(&self, place: &[u8]) -> Result<String> {
        let place = URL_SAFE_NO_PAD.encode(place);
        let key = EncodingKey::from_secret(self.0.first().map_or(&[][..], Vec::as_slice));
        let seal = jsonwebtoken::crypto::sign(place.as_bytes(), &key, Algorithm::HS256);
        Ok(format!("{place}.{}", seal.map_err(Problem::internal)?))
    }

    /// The place that a cursor names, if one of our keys sealed it for this list.
    fn open(&self, cursor: &str) -> Option<Vec<u8>> {
        let (place, seal) = cursor.split_once('.')?;
        let ours = |key: &Vec<u8>| {
            let key = DecodingKey::from_secret(key);
            jsonwebtoken::crypto::verify(seal, place.as_bytes(), &key, Algorithm::HS256).unwrap_or_default()
        };
        if self.0.iter().any(ours) { URL_SAFE_NO_PAD.decode(place).ok() } else { None }
    }
}

/// The filters of a list that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilters {}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items of this page, in the order of the list.
    pub items: Vec<T>,
    /// The `cursor` of the next page; `null` on the last page.
    #[schema(max_length = 2000, required = true)]
    pub next_cursor: Option<String>,
    /// The number of items of the whole list. Only present with `with_total=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total: Option<i64>,
}

impl<T: Serialize> Page<T> {
    /// The response of a list that always fits on one page.
    pub fn whole(items: Vec<T>) -> Result<Answer> {
        Ok(Answer::ok(&Page { items, next_cursor: None, total: None })?.content_tag())
    }
}

/// The position after which a page begins: the order, and the sort key and id of the last row of the page before.
#[derive(Serialize, Deserialize)]
struct Cursor<K, I> {
    s: String,
    k: K,
    i: I,
}

impl Paging {
    /// The number of rows to read: one more than the page holds, to detect a next page.
    pub fn rows(&self) -> i64 {
        self.limit.unwrap_or(50) + 1
    }

    /// Sort key and id of the last row of the previous page, if there is a cursor of this order.
    pub fn after<K, I>(&self, sort: &str) -> Result<Option<(K, I)>>
    where
        K: DeserializeOwned,
        I: DeserializeOwned,
    {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let broken = || {
            Problem::new(
                Code::InvalidCursor,
                Text::new(
                    "Use el `next_cursor` de la página anterior, con los mismos filtros y el mismo `sort`.",
                    "Use the `next_cursor` of the previous page, with the same filters and the same `sort`.",
                ),
            )
        };
        let place = self.seal.open(cursor).ok_or_else(broken)?;
        let cursor: Cursor<K, I> = serde_json::from_slice(&place).map_err(|_| broken())?;
        if cursor.s == sort { Ok(Some((cursor.k, cursor.i))) } else { Err(broken()) }
    }

    /// The rows without the additional one, and the cursor of the next page if there is one; `place` returns a row's
    /// sort key and id.
    pub fn cut<T, K, I>(
        &self,
        sort: &str,
        mut rows: Vec<T>,
        place: impl Fn(&T) -> (K, I),
    ) -> Result<(Vec<T>, Option<String>)>
    where
        K: Serialize,
        I: Serialize,
    {
        let size = usize::try_from(self.rows() - 1).unwrap_or_default();
        let mut next_cursor = None;
        if rows.len() > size {
            rows.truncate(size);
            if let Some((k, i)) = rows.last().map(place) {
                let bytes =
                    serde_json::to_vec(&Cursor { s: sort.to_owned(), k, i }).map_err(Problem::internal)?;
                next_cursor = Some(self.seal.close(&bytes)?);
            }
        }
        Ok((rows, next_cursor))
    }

    /// The response made of the rows; `place` returns a row's sort key and id.
    pub fn answer<T, K, I>(
        &self,
        sort: &str,
        rows: Vec<T>,
        total: Option<i64>,
        place: impl Fn(&T) -> (K, I),
    ) -> Result<Answer>
    where
        T: Serialize,
        K: Serialize,
        I: Serialize,
    {
        let (items, next_cursor) = self.cut(sort, rows, place)?;
        self.page(items, next_cursor, total)
    }

    /// The response of one page.
    pub fn page<T: Serialize>(
        &self,
        items: Vec<T>,
        next_cursor: Option<String>,
        total: Option<i64>,
    ) -> Result<Answer> {
        let cursor = next_cursor.clone();
        let answer = Answer::ok(&Page { items, next_cursor, total })?;
        Ok(Answer { next_cursor: cursor, ..answer.content_tag() })
    }
}

/// Orders a boxed query by a column and the id, and lets it begin after a place in that order. The first condition
/// alone bounds the index scan; the second skips the rows of the same key that were already returned.
macro_rules! seek {
    ($query:expr, $after:expr, $column:expr, $id:expr, asc) => {{
        let mut query = $query;
        if let Some((key, id)) = $after {
            query = query.filter($column.ge(key.clone()).and($column.gt(key).or($id.gt(id))));
        }
        query.order(($column.asc(), $id.asc()))
    }};
    ($query:expr, $after:expr, $column:expr, $id:expr, desc) => {{
        let mut query = $query;
        if let Some((key, id)) = $after {
            query = query.filter($column.le(key.clone()).and($column.lt(key).or($id.lt(id))));
        }
        query.order(($column.desc(), $id.desc()))
    }};
}
pub(crate) use seek;

/// One of these values; any if there are none. A single value is compared by equality: the index over the column then has the order of the
/// list, which it does not have for several values.
macro_rules! among {
    ($query:expr, $column:expr, $values:expr) => {
        match &$values[..] {
            [] => $query,
            [only] => $query.filter($column.eq(*only)),
            several => $query.filter($column.eq_any(several.to_vec())),
        }
    };
}
pub(crate) use among;

/// Reads the rows of one page, and the number of all rows if `with_total` asks for it, as `(rows, total)`.
///
/// `read_page!(db, paging, sort, filtered, (column as Key, id as Id), selection)`: `sort` is the order as clients write it, where
/// a leading `-` means descending; `filtered` returns the boxed query of the whole list; `column` and `id` define the order and
/// have an index together.
macro_rules! read_page {
    ($db:expr, $paging:expr, $sort:expr, $filtered:expr, ($column:path as $key:ty, $id:path as $id_type:ty), $selection:expr $(,)?) => {{
        let (paging, sort, filtered): (&$crate::http::paging::Paging, &str, _) = (&$paging, $sort, $filtered);
        let after = paging.after::<$key, $id_type>(sort)?;
        let total = if paging.with_total { Some(filtered().count().get_result($db)?) } else { None };
        let query = if sort.starts_with('-') {
            $crate::http::paging::seek!(filtered(), after, $column, $id, desc)
        } else {
            $crate::http::paging::seek!(filtered(), after, $column, $id, asc)
        };
        (query.select($selection).limit(paging.rows()).load($db)?, total)
    }};
}
pub(crate) use read_page;

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(cursor: Option<String>) -> Paging {
        Paging { limit: Some(2), cursor, with_total: false, seal: Seal(vec![b"key".to_vec()]) }
    }

    #[test]
    fn a_cursor_leads_back_to_the_last_row_of_its_page() {
        let answer = paging(None).answer("name", vec!["a", "b", "c"], None, |row| (*row, row.len())).unwrap();
        let next = paging(answer.next_cursor);
        assert_eq!(next.after::<String, usize>("name").unwrap(), Some(("b".into(), 1)));
        assert!(next.after::<String, usize>("other").is_err());
    }

    #[test]
    fn each_page_has_a_tag_of_its_content() {
        let tag = |rows: Vec<&'static str>, total| {
            paging(None).answer("name", rows, total, |row| (*row, 0)).unwrap().etag.unwrap()
        };
        let one = tag(vec!["a", "b"], None);
        assert_eq!(one, tag(vec!["a", "b"], None));
        // The order, what follows the page and the total belong to the content.
        for other in [tag(vec!["b", "a"], None), tag(vec!["a", "b", "c"], None), tag(vec!["a", "b"], Some(2))]
        {
            assert_ne!(one, other);
        }
        assert!(Page::whole(vec!["a"]).unwrap().etag.is_some());
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let answer = paging(None).answer("name", vec!["a", "b"], None, |row| (*row, 0)).unwrap();
        assert!(answer.next_cursor.is_none());
    }

    #[test]
    fn a_broken_cursor_is_refused() {
        for cursor in ["", "!!", ".", "e30", "bnVsbA", "eyJzIjoxfQ"] {
            assert!(paging(Some(cursor.into())).after::<String, usize>("name").is_err(), "{cursor}");
        }
    }
}
