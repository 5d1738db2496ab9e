//! Expansions against the files in `tests/expand`: `name.rs` is what a user writes, `name.expanded.rs` what comes of it.
//! `UPDATE=1` rewrites the latter.

use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::job_tokens;

mod hostile;
mod schedules;
mod sentences;

fn inputs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expand");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.to_string_lossy().ends_with(".expanded.rs"));
    paths.sort();
    paths
}

/// The expansion of the one fn in a file.
fn expanded(source: &str) -> TokenStream {
    let file = syn::parse_file(source).unwrap();
    let [syn::Item::Fn(item)] = file.items.as_slice() else { panic!("one fn is expected") };
    let mut item = item.clone();
    let place = item.attrs.iter().position(|attr| attr.path().is_ident("job")).unwrap();
    let attribute = match item.attrs.remove(place).meta {
        syn::Meta::List(list) => list.tokens,
        _ => TokenStream::new(),
    };
    job_tokens(attribute, item.to_token_stream())
}

#[test]
fn expansions_are_as_recorded() {
    assert!(inputs().len() >= 6);
    for path in inputs() {
        let tokens = expanded(&std::fs::read_to_string(&path).unwrap());
        let text = prettyplease::unparse(&syn::parse2(tokens).unwrap());
        let recorded = path.with_extension("expanded.rs");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(recorded, text).unwrap();
        } else {
            let expected = std::fs::read_to_string(&recorded).unwrap_or_default();
            assert!(text == expected, "{} differs; `UPDATE=1` rewrites it. It is now:\n{text}", recorded.display());
        }
    }
}

#[test]
fn the_fn_comes_first_and_untouched() {
    let item = quote! {
        #[instrument(skip_all)] pub(crate) async fn f(mut a: u8) -> Result<(), String> { half typed & ( a . ) }
    };
    for attribute in [quote!(queue = "mail"), quote!(nonsense), quote!(queue =)] {
        let all = job_tokens(attribute, item.clone()).to_string();
        assert!(all.starts_with(&item.to_string()), "{all}");
    }
}

#[test]
fn two_expansions_of_one_fn_are_equal() {
    let expand = || {
        job_tokens(
            quote!(every = "5m"),
            quote!(
                async fn f(db: &Db) {}
            ),
        )
        .to_string()
    };
    assert_eq!(expand(), expand());
}

/// What `compile_error!` is given, in order.
fn mistakes(attribute: &str, item: &str) -> Vec<String> {
    let tokens = job_tokens(attribute.parse().unwrap(), item.parse().unwrap());
    let file: syn::File = syn::parse2(tokens).unwrap();
    let texts = file.items.into_iter().filter_map(|item| match item {
        syn::Item::Macro(item) if item.mac.path.segments.last().unwrap().ident == "compile_error" => {
            Some(item.mac.parse_body::<syn::LitStr>().unwrap().value())
        }
        _ => None,
    });
    texts.collect()
}
