//! What is the same in every description: what each answer carries, what a problem can be called, and what stands together.

use std::collections::BTreeSet;

use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, Header, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema as _};

use super::operations;
use crate::problem::{MEDIA_TYPE, Problem};

const REQUEST_ID: &str = "X-Request-ID";

/// Whatever an answer is, it has the id of its request; and whoever makes a request too large is told so by HTTP itself.
pub(super) fn finish(document: &mut OpenApi, codes: impl IntoIterator<Item = &'static str>) {
    list_words(document, ("Problem", "code"), codes);
    drop_unused(document);
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let responses = &mut operation.responses.responses;
        if !responses.keys().any(|status| status.starts_with('4')) {
            let too_large = ResponseBuilder::new()
                .description("The head of the request is too large")
                .build();
            responses.insert("431".to_owned(), too_large.into());
        }
        if !responses.keys().any(|status| status.starts_with('2')) {
            responses.insert("default".to_owned(), any_problem().into());
        }
        for response in responses.values_mut() {
            if let RefOr::T(response) = response {
                response
                    .headers
                    .insert(REQUEST_ID.to_owned(), request_id().into());
            }
        }
    }
}

/// Drops the schemas that nothing refers to: parts of others that were written into them.
fn drop_unused(document: &mut OpenApi) {
    loop {
        // Text, numbers and lists only: each has a JSON form.
        let text = document.to_json().unwrap_or_default();
        let Some(components) = &mut document.components else {
            return;
        };
        let before = components.schemas.len();
        let is_used = |name: &str| text.contains(&format!("\"#/components/schemas/{name}\""));
        components.schemas.retain(|name, _| is_used(name));
        if components.schemas.len() == before {
            return;
        }
    }
}

fn any_problem() -> Response {
    let problem = Ref::from_schema_name(Problem::name());
    let problem = ContentBuilder::new().schema(Some(problem)).build();
    let page = ContentBuilder::new().schema(Some(String::schema())).build();
    ResponseBuilder::new()
        .description(
            "Where the browser is not sent on: why, as a problem, or as a page that says the same",
        )
        .content(MEDIA_TYPE, problem)
        .content("text/html", page)
        .build()
}

fn request_id() -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(Type::String));
    header.description = Some(
        "What the request was called by its caller, or else by us; our log has it, or the instance of a problem".to_owned(),
    );
    header
}

/// Lists the words that a property of a schema can be, each once.
pub fn list_words(
    document: &mut OpenApi,
    (schema, property): (&str, &str),
    words: impl IntoIterator<Item = &'static str>,
) {
    let words: BTreeSet<_> = words.into_iter().collect();
    let schemas = document
        .components
        .as_mut()
        .map(|components| &mut components.schemas);
    let schema = schemas.and_then(|schemas| schemas.get_mut(schema));
    if let Some(RefOr::T(Schema::Object(object))) = schema
        && let Some(RefOr::T(Schema::Object(word))) = object.properties.get_mut(property)
    {
        word.enum_values = Some(words.into_iter().map(Into::into).collect());
    }
}

/// Puts each operation under the tag of the longest of these beginnings that its path has; one that has a tag keeps it.
pub fn tag_by_path(document: &mut OpenApi, by_beginning: &[(&str, &str)]) {
    for (path, item) in &mut document.paths.paths {
        let fitting = by_beginning
            .iter()
            .filter(|(beginning, _)| path.starts_with(beginning))
            .max_by_key(|(beginning, _)| beginning.len());
        let Some((_, tag)) = fitting else {
            continue;
        };
        for operation in operations(item) {
            let tags = operation.tags.get_or_insert_default();
            if tags.is_empty() {
                tags.push((*tag).to_owned());
            }
        }
    }
}
