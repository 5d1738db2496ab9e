//! Writes what stands beside the fn: the handler struct, its registration, and the closure that runs a stored job.
//!
//! Nothing here can fail. Bounds on the user's types stand on one fn of jobs-core each, called with the user's own type tokens,
//! so that a type that does not fit is reported once and where it is written.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Type};

use crate::attr::Options;
use crate::entry::fields;
use crate::schedule::ScheduleOptions;
use crate::signature::{Head, Param, generated, mentions};
use crate::types::{Named, alias, implement};
use crate::value::stream;

pub(crate) fn expand(head: &Head, options: &Options) -> TokenStream {
    let p = private(options);
    let params: Vec<Param> = head.params().collect();
    let types = Named::new(&p, head, &params);
    let named = types.params(&params);
    let handle = head.handle();
    let name = options.name.clone().unwrap_or_else(|| head.name());
    let job = constructor(&p, &handle, &params, &named);
    let returns = returns(head);
    let follows = follows(&p, head, &params);
    let fields = fields(&p, options, |schedule| payload(&p, &named, schedule));
    let (arguments, services) = (arguments(&p, head, &named, options), services(&p, &named));
    let handler = handler(&p, head, &named, &types.returned);
    let (implement, types) = (implement(head), &types.items);
    let inside = quote! {
        #types

        #implement #handle {
            /// The name under which jobs of this kind are stored.
            pub const NAME: &'static #p::str = #name;

            #job
        }

        static __JOB_ENTRY: #p::JobEntry = #p::JobEntry {
            name: #p::Cow::Borrowed(#name),
            module: #p::module_path!(),
            location: #p::Location { file: #p::file!(), line: #p::line!() },
            #fields
            arguments: &[#arguments],
            services: &[#services],
            handler: #p::Handler::Fn(#handler),
        };

        #implement #p::Job for #handle {
            const NAME: &'static #p::str = #name;
            #returns
            fn entry() -> &'static #p::JobEntry {
                &__JOB_ENTRY
            }
        }

        #follows

        #p::inventory::submit! { #p::Linked(&__JOB_ENTRY) }
    };
    beside(head, &inside)
}

/// The handler struct, and everything else in a scope of its own.
pub(crate) fn beside(head: &Head, inside: &TokenStream) -> TokenStream {
    let (vis, handle) = (&head.vis, head.handle());
    let is_deprecated = |attr: &&Attribute| attr.path().is_ident("deprecated");
    let deprecated = head.attrs.iter().filter(is_deprecated);
    // The lint fires on the copy of the fn's types as well, wherever the fn itself has an opinion on it.
    let allow = head.attrs.iter().any(|attr| mentions(attr, "deprecated")).then(|| quote!(#[allow(deprecated)]));
    quote! {
        #(#deprecated)*
        #[doc(hidden)]
        #vis struct #handle {}

        #allow
        const _: () = { #inside };
    }
}

/// The path to what the expansion is made of.
pub(crate) fn private(options: &Options) -> TokenStream {
    options.krate.as_ref().map_or_else(|| quote!(::jobs_runtime::__private), |krate| quote!(#krate::__private))
}

/// The fn's return type, at its own place: it must be as visible as the fn.
pub(crate) fn returns(head: &Head) -> TokenStream {
    let ty = return_type(head);
    let at = head.returned().map_or(head.sig.ident.span(), first_span);
    quote_spanned! {Span::mixed_site().located_at(at)=> type Return = #ty; }
}

/// The same tokens at another place.
fn located(tokens: &TokenStream, at: Span) -> TokenStream {
    let moved = tokens.clone().into_iter().map(|mut token| {
        token.set_span(token.span().located_at(at));
        token
    });
    moved.collect()
}

fn return_type(head: &Head) -> TokenStream {
    head.returned().map_or_else(|| quote!(()), ToTokens::to_token_stream)
}

fn first_span(tokens: &impl ToTokens) -> Span {
    tokens.to_token_stream().into_iter().next().map_or_else(Span::mixed_site, |token| token.span())
}

/// `job(..)`: takes the arguments, writes them, and hands out the builder. It stands at the fn's name, where editors then lead.
fn constructor(p: &TokenStream, handle: &Ident, params: &[Param], bounds: &[Param]) -> TokenStream {
    let (names, types): (Vec<Ident>, Vec<&Type>) = stored(params).map(|(name, ty)| (generated(name), ty)).unzip();
    let bounded = stored(bounds).map(|(_, ty)| ty);
    let keys = stored(params).map(|(name, _)| name.unraw().to_string());
    let job = Ident::new("job", handle.span());
    let arguments = Ident::new("arguments", Span::mixed_site());
    let written = if names.is_empty() {
        quote!(#p::ArgumentWriter::new())
    } else {
        quote! {{
            let mut #arguments = #p::ArgumentWriter::new();
            #(#arguments.put(&#p::codec::<#bounded>(#keys), &#names);)*
            #arguments
        }}
    };
    quote! {
        /// A job with these arguments, to be enqueued.
        pub fn #job(#(#names: #types),*) -> #p::JobBuilder<Self> {
            #p::JobBuilder::new(#written)
        }
    }
}

/// What the job may follow on in a chain: a job whose output its one argument is, or any job when it has no argument.
fn follows(p: &TokenStream, head: &Head, params: &[Param]) -> TokenStream {
    let handle = head.handle();
    let mut stored = params.iter().enumerate().filter_map(|(nth, param)| match param {
        Param::Argument(name, _) => Some((nth, *name)),
        _ => None,
    });
    match (stored.next(), stored.next()) {
        (None, _) => follows_all(p, &handle),
        (Some((nth, name)), None) => {
            let (key, ty) = (name.unraw().to_string(), alias(head, nth));
            quote! {
                impl #p::Follows<#ty> for #handle {
                    const ARGUMENT: #p::Option<&'static #p::str> = #p::Some(#key);
                }
            }
        }
        _ => TokenStream::new(),
    }
}

/// The right to follow on any job.
pub(crate) fn follows_all(p: &TokenStream, handle: &Ident) -> TokenStream {
    quote! {
        impl<Output> #p::Follows<Output> for #handle {
            const ARGUMENT: #p::Option<&'static #p::str> = #p::None;
        }
    }
}

/// The closure that encodes what a schedule gives to its jobs, as `job(..)` would. Each value is an expression of the user's, in a
/// `let` with the type of its parameter, so that the compiler reports a wrong one where it stands.
fn payload(p: &TokenStream, params: &[Param], schedule: &ScheduleOptions) -> Option<TokenStream> {
    let given = &schedule.args.as_ref()?.given;
    let arguments = Ident::new("arguments", Span::mixed_site());
    let value = Ident::new("value", Span::mixed_site());
    let put = stored(params).filter_map(|(name, ty)| {
        let given = given.iter().find(|given| given.name.unraw() == name.unraw())?;
        let key = name.unraw().to_string();
        let written = stream(&given.value);
        let written = match given.text() {
            Some(text) => quote_spanned!(text.span()=> ::core::convert::From::from(#written)),
            None => written,
        };
        Some(quote! {
            let #value: #ty = #written;
            #arguments.put(&#p::codec::<#ty>(#key), &#value);
        })
    });
    Some(quote! {
        || {
            let mut #arguments = #p::ArgumentWriter::new();
            #(#put)*
            #arguments.finish()
        }
    })
}

fn arguments(p: &TokenStream, head: &Head, params: &[Param], options: &Options) -> TokenStream {
    stored(params)
        .map(|(name, ty)| {
            let is_supplied = options.schedules().all(|schedule| schedule.supplies(head, name));
            let entry = if is_supplied { quote!(argument) } else { quote!(unsupplied) };
            let key = name.unraw().to_string();
            quote!(#p::#entry::<#ty>(#key),)
        })
        .collect()
}

fn services(p: &TokenStream, params: &[Param]) -> TokenStream {
    let entries = params.iter().filter_map(|param| match param {
        Param::Service(ty) => Some(quote!(#p::service::<#ty>(),)),
        Param::Own(ty) => Some(quote!(#p::own::<#ty>(),)),
        Param::Argument(..) | Param::Context => None,
    });
    entries.collect()
}

/// The closure that decodes the arguments, borrows the services, calls the fn and settles what it returned. What the run has for
/// itself is made before that and ended after it.
///
/// It stands at the fn's name, where the compiler then reports a future that is not `Send`. It is written into the entry, not
/// beside it: in one body with the bounds on the types, so that a type that breaks a bound is not reported once more for that.
/// The fn is bound before it is called, which keeps clippy's `unused_async` away from fns without an `await`.
fn handler(p: &TokenStream, head: &Head, params: &[Param], returned: &TokenStream) -> TokenStream {
    let at = head.sig.ident.span();
    let span = Span::mixed_site().located_at(at);
    let p = located(p, at);
    let numbered =
        |name: &str, count: usize| -> Vec<Ident> { (0..count).map(|at| format_ident!("{name}_{at}", span = span)).collect() };
    let name = head.handle();

    let keys: Vec<String> = stored(params).map(|(name, _)| name.unraw().to_string()).collect();
    let types = stored(params).map(|(_, ty)| ty);
    let arguments = numbered("argument", keys.len());
    let decode = (!keys.is_empty()).then(|| {
        quote_spanned! {span=>
            let mut reader = call.arguments();
            let (#(#p::Some(#arguments),)*) = (#(reader.take(&#p::codec::<#types>(#keys)),)*) else {
                return #p::Err(reader.error());
            };
        }
    });

    let lent: Vec<&Type> = lent(params).collect();
    let services = numbered("service", lent.len());
    let borrow = quote_spanned! {span=> #(let #services = scope.service::<#lent>()?;)* };

    let owned: Vec<&Type> = owned(params).collect();
    let owns = numbered("own", owned.len());
    let make = (!owned.is_empty()).then(|| {
        quote_spanned! {span=>
            let mut own = scope.build(&[#(#p::own::<#owned>()),*]).await?;
            #(let mut #owns = own.take::<#owned>()?;)*
        }
    });

    let (mut arguments, mut services, mut lent_alone) = (arguments.iter(), services.iter(), owns.iter());
    let passed = params.iter().map(|param| match param {
        Param::Argument(..) => arguments.next().to_token_stream(),
        Param::Service(_) => services.next().to_token_stream(),
        Param::Own(_) => {
            let own = lent_alone.next();
            quote_spanned!(span=> &mut *#own)
        }
        Param::Context => quote_spanned!(span=> scope.context()),
    });
    let run = quote_spanned!(span=> settle(job(#(#passed),*).await));
    let run = if owns.is_empty() {
        run
    } else {
        quote_spanned! {span=>
            let settled = #run;
            #(own.put::<#owned>(#owns);)*
            own.end(settled).await
        }
    };
    quote_spanned! {span=>
        |call| {
            #decode
            let scope = call.scope;
            #p::Ok(#p::Box::pin(async move {
                #borrow
                #make
                let job = #name;
                let settle = #p::settle::<#returned>();
                #run
            }))
        }
    }
}

fn stored<'a>(params: &'a [Param<'a>]) -> impl Iterator<Item = (&'a Ident, &'a Type)> {
    params.iter().filter_map(|param| match param {
        Param::Argument(name, ty) => Some((*name, *ty)),
        _ => None,
    })
}

fn owned<'a>(params: &'a [Param<'a>]) -> impl Iterator<Item = &'a Type> {
    params.iter().filter_map(|param| match param {
        Param::Own(ty) => Some(*ty),
        _ => None,
    })
}

fn lent<'a>(params: &'a [Param<'a>]) -> impl Iterator<Item = &'a Type> {
    params.iter().filter_map(|param| match param {
        Param::Service(ty) => Some(*ty),
        _ => None,
    })
}
