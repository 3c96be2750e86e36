//! The options of a request for a list: `$top`, `$skip`, `$select`, `$orderby`, `$count`, and a view's window.

use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::GraphError;

/// Without `$top`.
const PAGE: usize = 10;
const LARGEST_PAGE: usize = 1_000;

/// The options, each of which may be there once.
#[derive(Clone, Debug, Default)]
pub(super) struct ListQuery {
    pub(super) top: Option<usize>,
    pub(super) skip: usize,
    pub(super) select: Option<Vec<String>>,
    /// Oldest first.
    pub(super) ascending: bool,
    pub(super) count: bool,
    pub(super) delta_token: Option<String>,
    pub(super) skip_token: Option<String>,
    /// From when to when, in seconds since 1970.
    pub(super) window: (Option<i64>, Option<i64>),
}

fn bad(message: String) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}

impl ListQuery {
    /// Reads them. `order` is the property that the list can be ordered by.
    pub(super) fn parse(query: &str, order: &str) -> Result<Self, GraphError> {
        let mut read = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if seen.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                return Err(bad(format!(
                    "Query option '{name}' was specified more than once."
                )));
            }
            seen.push(name.to_ascii_lowercase());
            read.take(&name, &value, order)?;
        }
        Ok(read)
    }

    fn take(&mut self, name: &str, value: &str, order: &str) -> Result<(), GraphError> {
        let number = || {
            let parsed = value.parse::<usize>();
            parsed.map_err(|_no_number| bad(format!("Invalid value '{value}' for '{name}'.")))
        };
        match name.to_ascii_lowercase().as_str() {
            "$top" => {
                let top = number()?;
                if !(1..=LARGEST_PAGE).contains(&top) {
                    return Err(bad(format!(
                        "Invalid page size specified: '{top}'. Must be between 1 and {LARGEST_PAGE} inclusive."
                    )));
                }
                self.top = Some(top);
            }
            "$skip" => self.skip = number()?,
            "$count" => self.count = value.eq_ignore_ascii_case("true"),
            "$select" => {
                self.select = Some(value.split(',').map(|one| one.trim().to_owned()).collect());
            }
            "$orderby" => {
                let (by, direction) = value
                    .trim()
                    .split_once(' ')
                    .unwrap_or((value.trim(), "asc"));
                if by != order || !matches!(direction, "asc" | "desc") {
                    return Err(unplayed(&format!("$orderby={value}")));
                }
                self.ascending = direction == "asc";
            }
            "$deltatoken" => self.delta_token = Some(value.to_owned()),
            "$skiptoken" => self.skip_token = Some(value.to_owned()),
            "startdatetime" => self.window.0 = Some(moment(value)?),
            "enddatetime" => self.window.1 = Some(moment(value)?),
            _ => return Err(unplayed(name)),
        }
        Ok(())
    }

    /// How many to a page: as `$top` says, or the header `Prefer: odata.maxpagesize`.
    pub(super) fn page(&self, headers: &HeaderMap) -> usize {
        let preferred = headers
            .get("prefer")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split("odata.maxpagesize=").nth(1))
            .and_then(|rest| {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse::<usize>().ok()
            });
        self.top
            .or(preferred)
            .unwrap_or(PAGE)
            .clamp(1, LARGEST_PAGE)
    }

    /// What was selected of something; its id always.
    pub(super) fn selected(
        &self,
        properties: &Map<String, Value>,
        kind: &str,
    ) -> Result<Value, GraphError> {
        let Some(names) = &self.select else {
            return Ok(Value::Object(properties.clone()));
        };
        let always = ["@odata.etag", "id"].map(str::to_owned);
        let mut selected = Map::new();
        for name in always.iter().chain(names) {
            let Some(value) = properties.get(name) else {
                return Err(bad(format!(
                    "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type \
                     'microsoft.graph.{kind}'."
                )));
            };
            selected.insert(name.clone(), value.clone());
        }
        Ok(Value::Object(selected))
    }
}

/// Something that Graph knows, and the simulator does not: it says so rather than pass over it.
fn unplayed(what: &str) -> GraphError {
    GraphError::new(
        StatusCode::NOT_IMPLEMENTED,
        "NotImplemented",
        format!("The simulator does not play '{what}' here."),
    )
}

/// A moment, in UTC unless it says otherwise.
pub(super) fn moment(text: &str) -> Result<i64, GraphError> {
    let with_zone = text.parse::<Timestamp>().ok();
    let without = || format!("{text}Z").parse::<Timestamp>().ok();
    with_zone
        .or_else(without)
        .map(Timestamp::as_second)
        .ok_or_else(|| bad(format!("The value '{text}' is no date and time.")))
}
