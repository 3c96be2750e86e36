//! The options of a request for a list: `$top`, `$skip`, `$select`, `$orderby`, `$count`, and a view's window.

use std::cmp::Ordering;

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
    /// What to order by, the first first.
    pub(super) order: Vec<Order>,
    pub(super) count: bool,
    pub(super) delta_token: Option<String>,
    pub(super) skip_token: Option<String>,
    /// From when to when, in seconds since 1970.
    pub(super) window: (Option<i64>, Option<i64>),
}

/// One part of `$orderby`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// As `$orderby` names it: `start/dateTime`.
    pub(super) property: String,
    pub(super) descending: bool,
}

impl Order {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let property = words.next()?.to_owned();
        let descending = match words.next() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return None,
        };
        words.next().is_none().then_some(Self {
            property,
            descending,
        })
    }

    fn value<'a>(&self, properties: &'a Map<String, Value>) -> Option<&'a Value> {
        let mut names = self.property.split('/');
        let first = properties.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    }

    /// Texts are compared whatever their case; what is not there comes first, as a null does.
    fn compare(&self, one: &Map<String, Value>, other: &Map<String, Value>) -> Ordering {
        let key = |properties| match self.value(properties) {
            Some(Value::String(text)) => Some(text.to_lowercase()),
            Some(Value::Bool(_) | Value::Number(_)) => self.value(properties).map(Value::to_string),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => None,
        };
        let compared = key(one).cmp(&key(other));
        if self.descending {
            compared.reverse()
        } else {
            compared
        }
    }
}

fn bad(message: String) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}

impl ListQuery {
    /// Reads them.
    pub(super) fn parse(query: &str) -> Result<Self, GraphError> {
        let mut read = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if seen.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                return Err(bad(format!(
                    "Query option '{name}' was specified more than once."
                )));
            }
            seen.push(name.to_ascii_lowercase());
            read.take(&name, &value)?;
        }
        Ok(read)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), GraphError> {
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
                let parts: Option<Vec<Order>> = value.split(',').map(Order::parse).collect();
                self.order =
                    parts.ok_or_else(|| bad(format!("Syntax error in '$orderby={value}'.")))?;
            }
            "$deltatoken" => self.delta_token = Some(value.to_owned()),
            "$skiptoken" => self.skip_token = Some(value.to_owned()),
            "startdatetime" => self.window.0 = Some(moment(value)?),
            "enddatetime" => self.window.1 = Some(moment(value)?),
            _ => return Err(GraphError::unplayed(name)),
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
            let value = properties.get(name);
            let value = value.ok_or_else(|| GraphError::no_property(name, kind))?;
            selected.insert(name.clone(), value.clone());
        }
        Ok(Value::Object(selected))
    }

    /// Whether one comes before the other, by `$orderby`.
    pub(super) fn compare(&self, one: &Map<String, Value>, other: &Map<String, Value>) -> Ordering {
        let mut parts = self.order.iter().map(|order| order.compare(one, other));
        parts
            .find(|compared| compared.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Whether `$orderby` names what a thing of this kind has.
    pub(super) fn check_order(
        &self,
        example: &Map<String, Value>,
        kind: &str,
    ) -> Result<(), GraphError> {
        let mut parts = self.order.iter();
        match parts.find(|order| order.value(example).is_none()) {
            Some(unknown) => Err(GraphError::no_property(&unknown.property, kind)),
            None => Ok(()),
        }
    }

    /// `$orderby` as it was given.
    pub(super) fn order_text(&self) -> Option<String> {
        let text = |order: &Order| {
            let direction = if order.descending { " desc" } else { "" };
            format!("{}{direction}", order.property)
        };
        let parts: Vec<String> = self.order.iter().map(text).collect();
        (!parts.is_empty()).then(|| parts.join(","))
    }

    /// Refuses `$orderby` where a thing has no order.
    pub(super) fn without_order(&self) -> Result<(), GraphError> {
        match self.order_text() {
            Some(text) => Err(GraphError::unplayed(&format!("$orderby={text}"))),
            None => Ok(()),
        }
    }

    /// What was selected, as `@odata.context` names it.
    pub(super) fn selection(&self) -> String {
        match &self.select {
            Some(names) => format!("({})", names.join(",")),
            None => String::new(),
        }
    }
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
