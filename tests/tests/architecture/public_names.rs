//! No public name without a user. The compiler tells what nobody in a crate uses, but takes for granted that somebody
//! outside uses what is public.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use anyhow::ensure;
use syn::visit::{self, Visit};

use crate::modules::is_test;

/// Finds the public functions, methods and constants of a crate, and the names of types that its public signatures tell.
#[derive(Default)]
struct PublicNames {
    names: BTreeSet<String>,
    types: BTreeSet<String>,
    in_signatures: BTreeSet<String>,
}

const fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

/// Collects every name in a type or signature.
struct Names<'a>(&'a mut BTreeSet<String>);

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_ident(&mut self, name: &'ast syn::Ident) {
        self.0.insert(name.to_string());
    }
}

impl PublicNames {
    fn signature(&mut self, signature: &syn::Signature) {
        self.names.insert(signature.ident.to_string());
        let mut names = Names(&mut self.in_signatures);
        for input in &signature.inputs {
            names.visit_fn_arg(input);
        }
        names.visit_return_type(&signature.output);
        names.visit_generics(&signature.generics);
    }
}

impl<'ast> Visit<'ast> for PublicNames {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if is_public(&function.vis) && !is_test(&function.attrs) {
            self.signature(&function.sig);
        }
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        if is_public(&method.vis) && !is_test(&method.attrs) {
            self.signature(&method.sig);
        }
    }

    fn visit_item_const(&mut self, constant: &'ast syn::ItemConst) {
        if is_public(&constant.vis) {
            self.names.insert(constant.ident.to_string());
            Names(&mut self.in_signatures).visit_type(&constant.ty);
        }
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        if is_public(&item.vis) {
            self.names.insert(item.ident.to_string());
            Names(&mut self.in_signatures).visit_type(&item.ty);
        }
    }

    fn visit_impl_item_const(&mut self, constant: &'ast syn::ImplItemConst) {
        if is_public(&constant.vis) {
            self.names.insert(constant.ident.to_string());
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if is_public(&item.vis) {
            self.types.insert(item.ident.to_string());
            let mut names = Names(&mut self.in_signatures);
            for field in item.fields.iter().filter(|field| is_public(&field.vis)) {
                names.visit_type(&field.ty);
            }
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        if is_public(&item.vis) {
            self.types.insert(item.ident.to_string());
            let mut names = Names(&mut self.in_signatures);
            for field in item.variants.iter().flat_map(|variant| &variant.fields) {
                names.visit_type(&field.ty);
            }
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if is_public(&item.vis) {
            self.types.insert(item.ident.to_string());
        }
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        if is_public(&item.vis) {
            self.types.insert(item.ident.to_string());
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some((path, _)) = &item.trait_ {
            // An associated type may tell a type to the outside.
            Names(&mut self.in_signatures).visit_path(path);
            for part in &item.items {
                if let syn::ImplItem::Type(associated) = part {
                    Names(&mut self.in_signatures).visit_type(&associated.ty);
                }
            }
        } else {
            visit::visit_item_impl(self, item);
        }
    }
}

/// Every word of a file.
fn words(file: &Path) -> anyhow::Result<HashSet<String>> {
    let text = std::fs::read_to_string(file)?;
    let found = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    Ok(found.map(str::to_owned).collect())
}

#[test]
fn every_public_name_has_a_user_outside_its_crate() -> anyhow::Result<()> {
    let metadata = crate::metadata()?;
    let mut sources = Vec::new();
    for file in crate::sources(&metadata)? {
        let words = words(&file)?;
        sources.push((file, words));
    }
    let mut unused = Vec::new();
    for package in &metadata.packages {
        let Some(folder) = package.manifest_path.parent() else {
            continue;
        };
        let src = folder.join("src");
        if !src.join("lib.rs").is_file() {
            continue;
        }
        // The programs of a package use its library from outside.
        let (inside, outside): (Vec<_>, Vec<_>) = sources.iter().partition(|(file, _)| {
            let is_program = file.ends_with("src/main.rs") || file.starts_with(src.join("bin"));
            file.starts_with(&src) && !is_program
        });
        let mut public = PublicNames::default();
        for (file, _) in inside {
            if file.file_stem().is_some_and(|name| name != "tests") {
                public.visit_file(&syn::parse_file(&std::fs::read_to_string(file)?)?);
            }
        }
        let is_used = |name: &String| outside.iter().any(|(_, words)| words.contains(name));
        let names = public.names.iter().filter(|name| !is_used(name));
        let types = public
            .types
            .iter()
            .filter(|name| !is_used(name) && !public.in_signatures.contains(*name));
        for name in names.chain(types) {
            unused.push(format!("{}: {name}", package.name));
        }
    }
    ensure!(
        unused.is_empty(),
        "public, and nobody outside the crate uses it; make it pub(crate), or delete it:\n{}",
        unused.join("\n")
    );
    Ok(())
}
