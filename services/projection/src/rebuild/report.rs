//! What was found, as it is told.

use assent_contract::rebuild::{FieldDifference, RebuildComparison, RowDifference};
use assent_permission_store as store;

pub(super) fn comparison(found: &store::Comparison) -> RebuildComparison {
    RebuildComparison {
        sequence: found.sequence.0,
        rows: found.rows,
        different: found.different,
        first: found.first.iter().map(row_difference).collect(),
        users_gaining: found.users_gaining,
        users_losing: found.users_losing,
    }
}

pub(super) fn row_difference(found: &store::RowDifference) -> RowDifference {
    let fields = found.fields.iter().map(|found| FieldDifference {
        field: found.field.to_owned(),
        served: found.served.clone(),
        rebuilt: found.rebuilt.clone(),
    });
    RowDifference {
        whose: found.aggregate.clone().into(),
        fields: fields.collect(),
    }
}
