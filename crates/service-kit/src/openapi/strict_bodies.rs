//! Says of each object in a request body that it has no other fields: [`ApiJson`](crate::ApiJson) refuses them, whatever
//! the types say.

use std::collections::BTreeSet;

use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Schema};
use utoipa::openapi::{OpenApi, RefOr};

use super::operations;

pub(super) fn close_request_bodies(document: &mut OpenApi) {
    let mut waiting = Vec::new();
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let Some(RefOr::T(body)) = &mut operation.request_body else {
            continue;
        };
        if let Some(RefOr::T(content)) = body.content.get_mut("application/json") {
            let schema = content.schema.iter_mut();
            schema.for_each(|schema| close(schema, &mut waiting));
        }
    }
    let Some(components) = &mut document.components else {
        return;
    };
    let mut closed = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if let Some(schema) = components.schemas.get_mut(&name)
            && closed.insert(name)
        {
            close(schema, &mut waiting);
        }
    }
}

/// Closes an object and all within. `named`: where the names of schemas go that it refers to.
fn close(schema: &mut RefOr<Schema>, named: &mut Vec<String>) {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next();
            named.extend(name.map(str::to_owned));
        }
        RefOr::T(Schema::Object(object)) => {
            for property in object.properties.values_mut() {
                close(property, named);
            }
            if !object.properties.is_empty() {
                let none = Box::new(AdditionalProperties::FreeForm(false));
                object.additional_properties = Some(none);
            }
        }
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                close(items, named);
            }
        }
        RefOr::T(Schema::OneOf(either)) => {
            either.items.iter_mut().for_each(|part| close(part, named));
        }
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(|part| close(part, named)),
        RefOr::T(Schema::AnyOf(any)) => any.items.iter_mut().for_each(|part| close(part, named)),
        RefOr::T(_) => {}
    }
}
