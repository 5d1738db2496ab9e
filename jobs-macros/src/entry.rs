//! Writes the fields of a `JobEntry` that the keys of the attribute set.

use std::time::Duration;

use jobs_core::Backoff;
use jobs_core::schedule::{Misfire, Moment, Overlap, RunOnStart};
use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;

use crate::attr::Options;
use crate::schedule::ScheduleOptions;

/// The fields of the entry that the keys set. `payload` writes the encoder of a schedule's arguments.
pub(crate) fn fields(
    p: &TokenStream,
    options: &Options,
    payload: impl Fn(&ScheduleOptions) -> Option<TokenStream>,
) -> TokenStream {
    let aliases = texts(p, &options.aliases);
    let tags = texts(p, &options.tags);
    let queue = options.queue.as_ref().map_or_else(|| quote!(#p::DEFAULT_QUEUE), ToTokens::to_token_stream);
    let priority = Literal::i32_unsuffixed(options.priority);
    let retries = option(p, options.retries.map(|retries| Literal::i32_unsuffixed(retries).into_token_stream()));
    let backoff = option(p, options.backoff.as_ref().map(|value| backoff(p, value)));
    let timeout = option(p, options.timeout.map(|timeout| duration(p, timeout)));
    let schedules = options.schedules().map(|options| schedule(p, options, payload(options)));
    quote! {
        aliases: #aliases,
        queue: #p::Cow::Borrowed(#queue),
        priority: #priority,
        retries: #retries,
        backoff: #backoff,
        timeout: #timeout,
        tags: #tags,
        schedules: #p::Cow::Borrowed(&[#(#schedules),*]),
    }
}

fn schedule(p: &TokenStream, options: &ScheduleOptions, payload: Option<TokenStream>) -> TokenStream {
    let text = |text: &Option<String>| option(p, text.as_ref().map(|text| quote!(#p::Cow::Borrowed(#text))));
    let spec = match (&options.cron, &options.every) {
        (Some(cron), _) => quote!(Cron(#p::Cow::Borrowed(#cron))),
        (None, Some(every)) => quote!(Every(#p::Cow::Borrowed(#every))),
        (None, None) => quote!(Never),
    };
    let (key, zone) = (text(&options.key), text(&options.zone));
    let run_on_start = option(p, options.run_on_start.map(|occasion| occasion_of(p, occasion)));
    let (misfire, overlap, jitter) = (misfire(p, options.misfire), overlap(p, options.overlap), duration(p, options.jitter));
    let [starts, ends] = [options.starts, options.ends].map(|at| option(p, at.map(|at| moment(p, at))));
    let payload = option(p, payload);
    quote! {
        #p::ScheduleEntry {
            key: #key,
            spec: #p::ScheduleText::#spec,
            zone: #zone,
            run_on_start: #run_on_start,
            misfire: #misfire,
            overlap: #overlap,
            jitter: #jitter,
            starts: #starts,
            ends: #ends,
            enabled: true,
            payload: #payload,
        }
    }
}

fn occasion_of(p: &TokenStream, occasion: RunOnStart) -> TokenStream {
    match occasion {
        RunOnStart::Process => quote!(#p::RunOnStart::Process),
        RunOnStart::Deployment => quote!(#p::RunOnStart::Deployment),
    }
}

fn misfire(p: &TokenStream, misfire: Misfire) -> TokenStream {
    match misfire {
        Misfire::Once => quote!(#p::Misfire::Once),
        Misfire::Skip => quote!(#p::Misfire::Skip),
        Misfire::All { limit, within } => {
            let (limit, within) = (Literal::u32_unsuffixed(limit), duration(p, within));
            quote!(#p::Misfire::All { limit: #limit, within: #within })
        }
    }
}

fn overlap(p: &TokenStream, overlap: Overlap) -> TokenStream {
    match overlap {
        Overlap::Skip => quote!(#p::Overlap::Skip),
        Overlap::Queue => quote!(#p::Overlap::Queue),
        Overlap::Allow => quote!(#p::Overlap::Allow),
        Overlap::Cancel => quote!(#p::Overlap::Cancel),
    }
}

fn moment(p: &TokenStream, moment: Moment) -> TokenStream {
    let Moment { year, month, day, hour, minute, second, offset } = moment;
    let year = Literal::i16_unsuffixed(year);
    let [month, day, hour, minute, second] = [month, day, hour, minute, second].map(Literal::i8_unsuffixed);
    let offset = option(p, offset.map(|offset| Literal::i32_unsuffixed(offset).into_token_stream()));
    quote! {
        #p::Moment { year: #year, month: #month, day: #day, hour: #hour, minute: #minute, second: #second, offset: #offset }
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
