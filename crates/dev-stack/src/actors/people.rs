//! The people and tenants of the simulator's seed `story`.

/// Somebody with a Microsoft account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// What others call them.
    pub name: &'static str,
    /// The directory they are in.
    pub tenant: &'static str,
    /// Who they are there.
    pub object_id: &'static str,
}

/// Contoso: commercial; users may consent to what needs no administrator.
pub const CONTOSO: &str = "c0000000-0000-4000-8000-000000000001";
/// Fabrikam: a US government customer on the worldwide endpoints (GCC).
pub const FABRIKAM: &str = "f0000000-0000-4000-8000-000000000001";
/// Northwind Government: GCC High, another cloud.
pub const NORTHWIND_GOV: &str = "90000000-0000-4000-8000-000000000001";
/// Adatum: commercial, with Microsoft's managed consent policy.
pub const ADATUM: &str = "ada00000-0000-4000-8000-000000000001";

/// An ordinary user of Contoso.
pub const ANA: Person = person("Ana", CONTOSO, "c0000000-0000-4000-8000-0000000000a1");
/// An ordinary user of Contoso.
pub const BEN: Person = person("Ben", CONTOSO, "c0000000-0000-4000-8000-0000000000b1");
/// The global administrator of Contoso.
pub const OLGA: Person = person("Olga", CONTOSO, "c0000000-0000-4000-8000-0000000000c1");
/// An ordinary user of Fabrikam.
pub const FARID: Person = person("Farid", FABRIKAM, "f0000000-0000-4000-8000-0000000000a1");
/// The global administrator of Fabrikam.
pub const GRACE: Person = person("Grace", FABRIKAM, "f0000000-0000-4000-8000-0000000000c1");
/// The global administrator of Northwind Government.
pub const NOOR: Person = person(
    "Noor",
    NORTHWIND_GOV,
    "90000000-0000-4000-8000-0000000000c1",
);
/// An ordinary user of Adatum.
pub const DANA: Person = person("Dana", ADATUM, "ada00000-0000-4000-8000-0000000000a1");
/// A cloud application administrator of Adatum.
pub const ERIK: Person = person("Erik", ADATUM, "ada00000-0000-4000-8000-0000000000c1");

const fn person(name: &'static str, tenant: &'static str, object_id: &'static str) -> Person {
    Person {
        name,
        tenant,
        object_id,
    }
}
