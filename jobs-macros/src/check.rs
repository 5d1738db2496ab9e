//! The rules: each a small fn that looks at one thing and reports it under the user's own tokens.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{FnArg, GenericArgument, GenericParam, PatType, PathArguments, PathSegment, Safety, Type};

use crate::attr::Options;
use crate::errors::Errors;
use crate::signature::{Head, borrowed, borrows, inner, last_segment, mentions, plain_name};

/// The names that the handler struct would take away from the types of its module.
const PRIMITIVES: [&str; 17] =
    ["bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16", "u32", "u64", "u128", "usize"];

/// Applies every rule.
pub(crate) fn check(head: &Head, options: &Options, errors: &mut Errors) {
    fn_kind(head, errors);
    fn_name(head, options, errors);
    generics(head, errors);
    returned(head, errors);
    head.typed().for_each(|param| parameter(param, options, errors));
    schedule(options, errors);
}

fn fn_kind(head: &Head, errors: &mut Errors) {
    let sig = &head.sig;
    if sig.asyncness.is_none() {
        errors.push(sig.fn_token, "a job must be an `async fn`", "write `async fn`; blocking work goes into `spawn_blocking`");
    }
    if let Safety::Unsafe(token) = &sig.safety {
        errors.push(
            token,
            "a job cannot be an `unsafe fn`",
            "the runtime cannot keep promises for it: put `unsafe` into its body",
        );
    }
    if let Some(abi) = &sig.abi {
        errors.push(abi, "a job cannot be an `extern fn`", "call that fn from an `async fn`");
    }
    if let Some(variadic) = &sig.variadic {
        errors.push(variadic, "a job cannot have a variable number of parameters", "take a `Vec<T>`");
    }
    if let Some(FnArg::Receiver(receiver)) = sig.inputs.first() {
        errors.push(
            receiver,
            "a job cannot be a method",
            "write a free fn, and borrow what `self` holds as a service: `&Mailer`",
        );
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
        errors.push(&head.sig.ident, error, format_args!("give the stored name in the attribute: `name = \"..\"`"));
    }
}

fn generics(head: &Head, errors: &mut Errors) {
    for param in &head.sig.generics.params {
        if !matches!(param, GenericParam::Lifetime(_)) {
            let help = "write one job for each type, each an `async fn` that calls this one";
            errors.push(param, "a job cannot be generic: its stored arguments are of one type", help);
        }
    }
}

fn returned(head: &Head, errors: &mut Errors) {
    let Some(ty) = head.returned() else { return };
    if mentions(ty, "impl") {
        errors.push(ty, "a job's return type must be written out", "return nothing or a `Result<T, E>`");
    } else if borrows(ty) {
        errors.push(ty, "a job cannot return something borrowed: its output is stored", "return an owned value");
    }
}

fn parameter(param: &PatType, options: &Options, errors: &mut Errors) {
    if let Some(cfg) = param.attrs.iter().find(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")) {
        let help = "put `#[cfg(..)]` on two versions of the fn; stored jobs may come from either";
        errors.push(cfg, "a parameter of a job cannot be conditional", help);
    }
    if mentions(&param.ty, "impl") {
        errors.push(&param.ty, "a parameter of a job needs a type, not `impl Trait`", "write the type, or borrow `&dyn Trait`");
    } else if let Some(reference) = borrowed(&param.ty) {
        service(reference, errors);
    } else {
        argument(param, options, errors);
    }
}

/// The rules for `&T`.
fn service(reference: &syn::TypeReference, errors: &mut Errors) {
    let ty = inner(&reference.elem);
    let owned = match ty {
        Type::Slice(slice) => Some(format!("Vec<{}>", shown(&slice.elem))),
        Type::Path(path) if path.path.is_ident("str") => Some("String".to_owned()),
        _ => None,
    };
    let message = "a parameter of a job is borrowed for one run only";
    if reference.mutability.is_some() {
        let help = "borrow `&T`, and put what changes behind a `Mutex`; `&mut T` will be a service of one run alone";
        errors.push(reference, "a job cannot borrow by `&mut` yet", help);
    } else if let Some(owned) = owned {
        let message = format_args!("`&{}` cannot be an argument: borrowed parameters are services of the runtime", shown(ty));
        errors.push(reference, message, format_args!("for an argument write `{owned}`"));
    } else if let Some(lifetime) = reference.lifetime.as_ref().filter(|lifetime| lifetime.ident == "static") {
        errors.push(lifetime, message, format_args!("write `&{}`", shown(ty)));
    } else if borrows(ty) {
        errors.push(ty, "a service cannot borrow: it lives as long as the runtime", "borrow a type that owns what it holds");
    }
}

/// The rules for `T`.
fn argument(param: &PatType, options: &Options, errors: &mut Errors) {
    if plain_name(&param.pat).is_none() {
        let help = "give it a plain name, the key under which its value is stored, and take it apart in the body";
        errors.push(&param.pat, "an argument of a job needs a name", help);
    }
    let ty = &param.ty;
    let last = last_segment(ty);
    let of = last.and_then(first_type).map_or_else(|| "T".to_owned(), shown);
    match last.map(|last| last.ident.to_string()).as_deref() {
        Some("JobContext") => errors.push(ty, "the context of a job is borrowed", "write `&JobContext`"),
        Some(pointer @ ("Arc" | "Rc")) => {
            let message = format_args!("an `{pointer}` cannot be an argument: arguments are stored, not shared");
            errors.push(ty, message, format_args!("for a service of the runtime write `&{of}`, for an argument `{of}`"));
        }
        Some("Option") if last.and_then(first_type).and_then(borrowed).is_some() => {
            let of = last.and_then(first_type).and_then(borrowed).map_or_else(String::new, |of| shown(&of.elem));
            let help = format_args!("for a service write `&{of}`, for an argument that may be missing `Option<{of}>`");
            errors.push(ty, "a service cannot be optional: the runtime has it or does not start", help);
        }
        Some("Box") if last.and_then(first_type).is_some_and(|of| matches!(inner(of), Type::TraitObject(_))) => {
            let help = format_args!("for a service write `&{of}`, for an argument a type that serde can read");
            errors.push(ty, "a trait object cannot be an argument: nothing says which type to read", help);
        }
        Some("Cow") if borrows(ty) => {
            let help = "write the owned type, such as `String`, or `Cow<'static, str>`";
            errors.push(ty, "a `Cow` that borrows cannot be an argument: arguments are stored", help);
        }
        _ if borrows(ty) => {
            let help = "write types that own what they hold, such as `String`; for a service put the `&` first: `&T`";
            errors.push(ty, "an argument cannot borrow: it is stored with the job", help);
        }
        Some("Option") => {}
        _ => {
            if let Some(clock) = options.scheduled() {
                let message =
                    format_args!("nobody can supply `{}`: `{clock}` lets the clock start this job", param.pat.to_token_stream());
                errors.push(ty, message, "make it an `Option<..>`, borrow a service, or let a second job call this fn");
            }
        }
    }
}

fn schedule(options: &Options, errors: &mut Errors) {
    if let (Some(_), Some(every)) = (options.written("cron"), options.written("every")) {
        errors.push(every, "`cron` and `every` exclude each other", "keep one; a second schedule needs a second fn");
    } else if let (None, Some(tz)) = (options.written("cron"), options.written("tz")) {
        errors.push(tz, "`tz` needs `cron`", "only times of the calendar have a time zone");
    }
    if let (None, Some(key)) = (options.scheduled(), options.written("key")) {
        errors.push(key, "`key` needs a schedule", "add `cron`, `every` or `run_on_start`; a job's name is `name`");
    }
}

/// The first type between the angle brackets of a segment.
fn first_type(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(generics) = &segment.arguments else { return None };
    generics.args.iter().find_map(|arg| match arg {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// A type as people write it.
fn shown(ty: &Type) -> String {
    let tokens: TokenStream = ty.to_token_stream();
    let mut text = tokens.to_string();
    for (apart, together) in
        [(" ::", "::"), (":: ", "::"), (" <", "<"), ("< ", "<"), (" >", ">"), ("& ", "&"), (" ,", ","), ("' ", "'")]
    {
        text = text.replace(apart, together);
    }
    text
}
