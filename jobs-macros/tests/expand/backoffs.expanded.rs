async fn later() {}
#[doc(hidden)]
struct later {}
const _: () = {
    impl later {
        /// The name under which jobs of this kind are stored.
        pub const NAME: &'static ::jobs_runtime::__private::str = "later";
        /// A job with these arguments, to be enqueued.
        pub fn job() -> ::jobs_runtime::__private::JobBuilder<Self> {
            ::jobs_runtime::__private::JobBuilder::new(
                ::jobs_runtime::__private::ArgumentWriter::new(),
            )
        }
    }
    static __JOB_ENTRY: ::jobs_runtime::__private::JobEntry = ::jobs_runtime::__private::JobEntry {
        name: ::jobs_runtime::__private::Cow::Borrowed("later"),
        module: ::jobs_runtime::__private::module_path!(),
        location: ::jobs_runtime::__private::Location {
            file: ::jobs_runtime::__private::file!(),
            line: ::jobs_runtime::__private::line!(),
        },
        aliases: ::jobs_runtime::__private::Cow::Borrowed(&[]),
        queue: ::jobs_runtime::__private::Cow::Borrowed(
            ::jobs_runtime::__private::DEFAULT_QUEUE,
        ),
        priority: 0,
        retries: ::jobs_runtime::__private::None,
        backoff: ::jobs_runtime::__private::Some(::jobs_runtime::__private::Backoff::Linear {
            step: ::jobs_runtime::__private::Duration::new(30, 0),
            max: ::jobs_runtime::__private::Duration::new(3600, 0),
        }),
        timeout: ::jobs_runtime::__private::None,
        tags: ::jobs_runtime::__private::Cow::Borrowed(&[]),
        schedules: ::jobs_runtime::__private::Cow::Borrowed(&[]),
        arguments: &[],
        services: &[],
        handler: ::jobs_runtime::__private::Handler::Fn(|call| {
            let scope = call.scope;
            ::jobs_runtime::__private::Ok(
                ::jobs_runtime::__private::Box::pin(async move {
                    let job = later;
                    let settle = ::jobs_runtime::__private::settle::<()>();
                    settle(job().await)
                }),
            )
        }),
    };
    impl ::jobs_runtime::__private::Job for later {
        const NAME: &'static ::jobs_runtime::__private::str = "later";
        type Return = ();
        fn entry() -> &'static ::jobs_runtime::__private::JobEntry {
            &__JOB_ENTRY
        }
    }
    impl<Output> ::jobs_runtime::__private::Follows<Output> for later {
        const ARGUMENT: ::jobs_runtime::__private::Option<
            &'static ::jobs_runtime::__private::str,
        > = ::jobs_runtime::__private::None;
    }
    ::jobs_runtime::__private::inventory::submit! {
        ::jobs_runtime::__private::Linked(& __JOB_ENTRY)
    }
};
