//! Writes the fields of a `JobEntry` that the keys of the attribute set.

use std::time::Duration;

use jobs_core::Backoff;
use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;

use crate::attr::Options;

/// The fields of the entry that the keys set.
pub(crate) fn fields(p: &TokenStream, options: &Options) -> TokenStream {
    let aliases = texts(p, &options.aliases);
    let tags = texts(p, &options.tags);
    let queue = options.queue.as_ref().map_or_else(|| quote!(#p::DEFAULT_QUEUE), ToTokens::to_token_stream);
    let priority = Literal::i32_unsuffixed(options.priority);
    let retries = option(p, options.retries.map(|retries| Literal::i32_unsuffixed(retries).into_token_stream()));
    let backoff = option(p, options.backoff.as_ref().map(|value| backoff(p, value)));
    let timeout = option(p, options.timeout.map(|timeout| duration(p, timeout)));
    let schedule = option(p, options.scheduled().map(|_| schedule(p, options)));
    quote! {
        aliases: #aliases,
        queue: #p::Cow::Borrowed(#queue),
        priority: #priority,
        retries: #retries,
        backoff: #backoff,
        timeout: #timeout,
        tags: #tags,
        schedule: #schedule,
    }
}

fn schedule(p: &TokenStream, options: &Options) -> TokenStream {
    let text = |text: &Option<String>| option(p, text.as_ref().map(|text| quote!(#p::Cow::Borrowed(#text))));
    let spec = match (&options.cron, &options.every) {
        (Some(cron), _) => quote!(Cron(#p::Cow::Borrowed(#cron))),
        (None, Some(every)) => quote!(Every(#p::Cow::Borrowed(#every))),
        (None, None) => quote!(Never),
    };
    let (key, zone, run_on_start) = (text(&options.key), text(&options.zone), options.run_on_start);
    quote! {
        #p::ScheduleEntry { key: #key, spec: #p::ScheduleText::#spec, zone: #zone, run_on_start: #run_on_start }
    }
}

fn option(p: &TokenStream, value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(|| quote!(#p::None), |value| quote!(#p::Some(#value)))
}

fn texts(p: &TokenStream, texts: &[LitStr]) -> TokenStream {
    let texts = texts.iter().map(LitStr::value);
    quote!(#p::Cow::Borrowed(&[#(#p::Cow::Borrowed(#texts)),*]))
}

fn duration(p: &TokenStream, duration: Duration) -> TokenStream {
    let seconds = Literal::u64_unsuffixed(duration.as_secs());
    let nanos = Literal::u32_unsuffixed(duration.subsec_nanos());
    quote!(#p::Duration::new(#seconds, #nanos))
}

fn backoff(p: &TokenStream, backoff: &Backoff) -> TokenStream {
    let duration = |time: &Duration| duration(p, *time);
    match backoff {
        Backoff::Exponential { base, max } => {
            let (base, max) = (duration(base), duration(max));
            quote!(#p::Backoff::Exponential { base: #base, max: #max })
        }
        Backoff::Linear { step, max } => {
            let (step, max) = (duration(step), duration(max));
            quote!(#p::Backoff::Linear { step: #step, max: #max })
        }
        Backoff::Fixed(wait) => {
            let wait = duration(wait);
            quote!(#p::Backoff::Fixed(#wait))
        }
        Backoff::List(waits) => {
            let waits = waits.iter().map(duration);
            quote!(#p::Backoff::List(#p::Cow::Borrowed(&[#(#waits),*])))
        }
        _ => quote!(#p::compile_error!("a new kind of backoff, which `#[job]` cannot write yet")),
    }
}
