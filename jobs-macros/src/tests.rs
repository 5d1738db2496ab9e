//! Expansions against the files in `tests/expand`: `name.rs` is what a user writes, `name.expanded.rs` what comes of it.
//! `UPDATE=1` rewrites the latter.

use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::job_tokens;

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

#[test]
fn keys_of_other_systems_lead_to_ours() {
    for (theirs, ours) in [("max_retries", "retries"), ("schedule", "cron"), ("timezone", "tz"), ("interval", "every")] {
        let found = mistakes(&format!("{theirs} = 1"), "async fn f() {}");
        assert_eq!(found, [format!("unknown key `{theirs}`\nhelp: it is called `{ours}` here")]);
    }
}

#[test]
fn no_attribute_makes_the_macro_panic() {
    let values =
        ["", "=", "= =", "= 1", "= -1", "= \"\"", "= \"@\"", "= \"\\u{0}\"", "= []", "= [1, [\"\"]]", "= true", "= ::a::b", "()"];
    for key in crate::keys::KEYS.iter().map(|key| key.name).chain(["", ",", "\"x\"", "r#type", "5"]) {
        for value in values {
            drop(mistakes(&format!("{key} {value}, , {key} {value}"), "async fn f(a: u8, b: &u8) {}"));
        }
    }
}

#[test]
fn numbers_reach_exactly_to_their_limits() {
    for (attribute, accepted) in [
        ("retries = 1000", true),
        ("retries = 1001", false),
        ("retries = -1", false),
        ("priority = -1000", true),
        ("priority = -1001", false),
        ("priority = 99999999999999999999", false),
        ("priority = 0x10", true),
        ("timeout = \"1ms\"", true),
        ("timeout = \"999us\"", false),
        ("timeout = \"30d\"", true),
        ("timeout = \"30d1ms\"", false),
    ] {
        assert_eq!(mistakes(attribute, "async fn f() {}").is_empty(), accepted, "{attribute}");
    }
}

#[test]
fn one_mistake_is_one_error() {
    for (attribute, item) in [
        ("cron = \"61 * * * *\", tz = \"UTC\"", "async fn f() {}"),
        ("name = \"a b\"", "async fn größe() {}"),
        ("every = \"0s\", key = \"k\"", "async fn f() {}"),
        ("run_on_start = 3", "async fn f(a: u8) {}"),
        ("", "async fn f(a: Arc<&T>) {}"),
        ("", "async fn f<T>(a: T) -> Result<T, T> {}"),
        ("", "async fn f(a: &mut [u8]) {}"),
        ("queue(\"mail\")", "async fn f() {}"),
        ("", "async fn f(a: u8, ...) {}"),
        ("cron = \"@daily\"", "async fn f(a: Arc<u8>, b: Option<u8>) {}"),
        ("", "struct S;"),
    ] {
        assert_eq!(mistakes(attribute, item).len(), 1, "{attribute} {item}: {:?}", mistakes(attribute, item));
    }
}
