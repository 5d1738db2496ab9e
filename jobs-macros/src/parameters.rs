//! The rules on one parameter: an argument that is stored, or a service that is borrowed. Those on what a run has for itself are in
//! `own`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{PatType, Type};

use crate::attr::Options;
use crate::check::PRIMITIVES;
use crate::errors::Errors;
use crate::own;
use crate::schedule::ScheduleOptions;
use crate::signature::{Head, borrowed, borrows, flat, inner, last_segment, mentions, plain_name, types_of};

/// The longest type that is written back to its author, in bytes.
const LONGEST_TYPE: usize = 120;

/// Types that are no `Option`, whatever is imported. Others are judged by the compiler, which knows what an alias stands for.
const NEVER_AN_OPTION: [&str; 9] =
    ["String", "Vec", "VecDeque", "HashMap", "BTreeMap", "HashSet", "BTreeSet", "PathBuf", "Duration"];

/// Applies the rules for one parameter.
pub(crate) fn parameter(param: &PatType, head: &Head, options: &Options, errors: &mut Errors) {
    if let Some(cfg) = param.attrs.iter().find(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")) {
        let help = "put `#[cfg(..)]` on two versions of the fn; stored jobs may come from either";
        errors.push(cfg, "a parameter of a job cannot be conditional", help);
    }
    if mentions(&param.ty, "impl") {
        errors.push(&param.ty, "a parameter of a job needs a type, not `impl Trait`", "write the type, or borrow `&dyn Trait`");
    } else if let Some(reference) = borrowed(&param.ty) {
        match reference.mutability {
            Some(_) => own::check(param, reference, head, errors),
            None => service(reference, errors),
        }
    } else {
        argument(param, head, options, errors);
    }
}

/// The rules for `&T`.
fn service(reference: &syn::TypeReference, errors: &mut Errors) {
    let ty = inner(&reference.elem);
    if let Some(owned) = owned(ty) {
        let message = format_args!("`&{}` cannot be an argument: borrowed parameters are services of the runtime", shown(ty));
        errors.push(reference, message, format_args!("for an argument write `{owned}`"));
    } else if let Some(lifetime) = reference.lifetime.as_ref().filter(|lifetime| lifetime.ident == "static") {
        let help = format_args!("write `&{}`", shown(ty));
        errors.push(lifetime, "a parameter of a job is borrowed for one run only", help);
    } else if borrows(ty) {
        errors.push(ty, "a service cannot borrow: it lives as long as the runtime", "borrow a type that owns what it holds");
    }
}

/// The rules for `T`.
fn argument(param: &PatType, head: &Head, options: &Options, errors: &mut Errors) {
    if plain_name(&param.pat).is_none() {
        let help = "give it a plain name, the key under which its value is stored, and take it apart in the body";
        errors.push(&param.pat, "an argument of a job needs a name", help);
    }
    let ty = &param.ty;
    let last = last_segment(ty);
    let name = last.map(|last| last.ident.to_string()).unwrap_or_default();
    let of = last.and_then(|last| types_of(last).next());
    let of_shown = of.map_or_else(|| "T".to_owned(), shown);
    match name.as_str() {
        "JobContext" => errors.push(ty, "the context of a job is borrowed", "write `&JobContext`"),
        "Arc" | "Rc" => {
            let message = format_args!("an `{name}` cannot be an argument: arguments are stored, not shared");
            errors.push(
                ty,
                message,
                format_args!("for a service of the runtime write `&{of_shown}`, for an argument `{of_shown}`"),
            );
        }
        "Option" if of.and_then(borrowed).is_some() => {
            let Some(of) = of.and_then(borrowed) else { return };
            let lent = format!("{}{}", if of.mutability.is_some() { "&mut " } else { "&" }, shown(&of.elem));
            let kept = owned(&of.elem).unwrap_or_else(|| shown(&of.elem));
            let help = format_args!("for a service write `{lent}`, for an argument that may be missing `Option<{kept}>`");
            errors.push(ty, "a service cannot be optional: the runtime has it or does not start", help);
        }
        "Box" if of.is_some_and(|of| matches!(inner(of), Type::TraitObject(_))) => {
            let help = format_args!("for a service write `&{of_shown}`, for an argument a type that serde can read");
            errors.push(ty, "a trait object cannot be an argument: nothing says which type to read", help);
        }
        "Cow" if borrows(ty) => {
            let help = "write the owned type, such as `String`, or `Cow<'static, str>`";
            errors.push(ty, "a `Cow` that borrows cannot be an argument: arguments are stored", help);
        }
        _ if borrows(ty) || borrows_static(ty) => {
            let help = "write types that own what they hold, such as `String`; for a service put the `&` first: `&T`";
            errors.push(ty, "an argument cannot borrow: it is stored with the job", help);
        }
        _ => {
            let Some(argument) = plain_name(&param.pat).filter(|_| is_never_an_option(ty, &name)) else { return };
            if let Some(clock) =
                options.schedules().find(|schedule| !schedule.supplies(head, argument)).and_then(ScheduleOptions::clock)
            {
                let message = format_args!("nobody can supply `{argument}`: `{clock}` starts this job by itself");
                let help =
                    format_args!("give it there, `args({argument} = ..)`, or make it an `Option<..>`, or borrow a service");
                errors.push(ty, message, help);
            }
        }
    }
}

/// Whether a `&'static` stands in the type: values that are read from a store borrow from nothing.
fn borrows_static(ty: &Type) -> bool {
    let is_punct = |token: &TokenTree, sign: char| matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign);
    flat(ty).windows(2).any(|pair| is_punct(&pair[0], '&') && is_punct(&pair[1], '\''))
}

fn is_never_an_option(ty: &Type, name: &str) -> bool {
    matches!(inner(ty), Type::Tuple(_) | Type::Array(_)) || NEVER_AN_OPTION.contains(&name) || PRIMITIVES.contains(&name)
}

/// What an argument is that was meant by a borrowed text or list.
pub(crate) fn owned(ty: &Type) -> Option<String> {
    match inner(ty) {
        Type::Slice(slice) => Some(format!("Vec<{}>", shown(&slice.elem))),
        Type::Path(path) if path.path.is_ident("str") => Some("String".to_owned()),
        Type::Path(path) if path.path.is_ident("Path") => Some("PathBuf".to_owned()),
        _ => None,
    }
}

/// A type as people write it, or `T` for one that is long.
pub(crate) fn shown(ty: &Type) -> String {
    let tokens: TokenStream = ty.to_token_stream();
    let mut text = tokens.to_string();
    for (apart, together) in
        [(" ::", "::"), (":: ", "::"), (" <", "<"), ("< ", "<"), (" >", ">"), ("& ", "&"), (" ,", ","), ("' ", "'")]
    {
        text = text.replace(apart, together);
    }
    if text.len() <= LONGEST_TYPE { text } else { "T".to_owned() }
}
