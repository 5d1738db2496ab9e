//! The rules on the attribute and on the fn as a whole: each a small fn that looks at one thing and reports it under the user's
//! own tokens. Those on its parameters are in `parameters`.

use jobs_core::text::shown;
use proc_macro2::TokenTree;
use syn::{FnArg, GenericParam, Safety, Type};

use crate::attr::Options;
use crate::errors::Errors;
use crate::parameters::parameter;
use crate::schedule;
use crate::signature::{Head, borrows, flat, inner, last_segment, mentions, types_of};

/// The names that the handler struct would take away from the types of its module.
pub(crate) const PRIMITIVES: [&str; 17] =
    ["bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16", "u32", "u64", "u128", "usize"];

/// Applies every rule.
pub(crate) fn check(head: &Head, options: &Options, errors: &mut Errors) {
    attributes(head, errors);
    fn_kind(head, errors);
    fn_name(head, options, errors);
    generics(head, errors);
    returned(head, errors);
    head.typed().for_each(|param| parameter(param, head, options, errors));
    schedule::check(head, options, errors);
    names(head, options, errors);
}

/// Other attributes that make something else of the fn.
fn attributes(head: &Head, errors: &mut Errors) {
    for attr in &head.attrs {
        let path = attr.path();
        let Some(last) = path.segments.last().map(|last| last.ident.to_string()) else { continue };
        match last.as_str() {
            "job" => errors.push(path, "`#[job]` stands twice on this fn", "keep one, with the keys of both"),
            "main" => errors.push(path, "a job cannot be the `main` of the program", "write a `main` that starts the runtime"),
            "test" => errors.push(path, "a job cannot be a test", "write a test that calls the job"),
            _ => {}
        }
    }
}

fn fn_kind(head: &Head, errors: &mut Errors) {
    let sig = &head.sig;
    if sig.asyncness.is_none() && head.has_body {
        errors.push(sig.fn_token, "a job must be an `async fn`", "write `async fn`; blocking work goes into `spawn_blocking`");
    }
    if let Safety::Unsafe(token) = &sig.safety {
        let help = "the runtime cannot keep promises for it: put `unsafe` into its body";
        errors.push(token, "a job cannot be an `unsafe fn`", help);
    }
    if let Some(abi) = &sig.abi {
        errors.push(abi, "a job cannot be an `extern fn`", "call that fn from an `async fn`");
    }
    if let Some(FnArg::Receiver(receiver)) = sig.inputs.first() {
        let help = "write a free fn, and borrow what `self` holds as a service: `&Mailer`";
        errors.push(receiver, "a job cannot be a method", help);
    } else if let Some(token) = flat(sig).into_iter().find(|token| matches!(token, TokenTree::Ident(word) if word == "Self")) {
        let help = "write a free fn beside the `impl` block, with the type's own name";
        errors.push(token, "a job cannot stand in an `impl` block", help);
    } else if !head.has_body {
        errors.push(&sig.ident, "a job needs a body", "write a free `async fn` that calls what is declared here");
    }
}

fn fn_name(head: &Head, options: &Options, errors: &mut Errors) {
    let name = head.name();
    if PRIMITIVES.contains(&name.as_str()) {
        let message = format_args!("a job cannot be called `{name}`: its handler struct would hide the type `{name}`");
        errors.push(&head.sig.ident, message, "give the fn another name");
    } else if options.written("name").is_none()
        && let Err(error) = jobs_core::name::check("job", &name)
    {
        let help = "give the stored name in the attribute: `name = \"..\"`";
        errors.push(&head.sig.ident, error, help);
    }
}

fn generics(head: &Head, errors: &mut Errors) {
    let generics = &head.sig.generics;
    if generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_))) {
        let help = "write one job for each type, each an `async fn` that calls this one";
        errors.push(&generics.params, "a job cannot be generic: its stored arguments are of one type", help);
    }
}

fn returned(head: &Head, errors: &mut Errors) {
    let Some(ty) = head.returned() else { return };
    if matches!(ty, Type::Never(_)) {
        errors.push(ty, "a job cannot return `!`: it has to end", "return nothing or a `Result<T, E>`");
    } else if mentions(ty, "impl") {
        errors.push(ty, "a job's return type must be written out", "return nothing or a `Result<T, E>`");
    } else if borrows(ty) {
        errors.push(ty, "a job cannot return something borrowed: its output is stored", "return an owned value");
    } else if let Some(error) = boxed_error(ty).filter(|error| !mentions(error, "Send") || !mentions(error, "Sync")) {
        let help = "write `Box<dyn std::error::Error + Send + Sync>`, or `jobs_runtime::BoxError`";
        errors.push(error, "the error of a job crosses threads", help);
    }
}

/// `Box<dyn Error>`, where that is the error of a `Result`.
fn boxed_error(returned: &Type) -> Option<&Type> {
    let error = types_of(last_segment(returned)?).nth(1)?;
    let boxed = last_segment(error).filter(|last| last.ident == "Box").and_then(|last| types_of(last).next())?;
    (matches!(inner(boxed), Type::TraitObject(_)) && mentions(boxed, "Error")).then_some(error)
}

/// An alias that is the name already.
fn names(head: &Head, options: &Options, errors: &mut Errors) {
    let name = options.name.clone().unwrap_or_else(|| head.name());
    for alias in options.aliases.iter().filter(|alias| alias.value() == name) {
        let message = format_args!("`{}` is the name of this job already", shown(&name));
        errors.push(alias, message, "an alias is an earlier name: leave it out");
    }
}
