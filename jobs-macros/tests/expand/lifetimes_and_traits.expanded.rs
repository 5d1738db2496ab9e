async fn clean_up<'a>(
    db: &'a Db,
    clock: &(dyn Clock + Send + Sync),
    _: &Limits,
) -> Result<(), BoxError>
where
    'a: 'a,
{}
#[doc(hidden)]
struct clean_up {}
const _: () = {
    type __JobType0 = Db;
    type __JobType1 = dyn Clock + Send + Sync;
    type __JobType2 = Limits;
    impl clean_up {
        /// The name under which jobs of this kind are stored.
        pub const NAME: &'static ::jobs_runtime::__private::str = "clean_up";
        /// A job with these arguments, to be enqueued.
        pub fn job() -> ::jobs_runtime::__private::JobBuilder<Self> {
            ::jobs_runtime::__private::JobBuilder::new(
                ::jobs_runtime::__private::ArgumentWriter::new(),
            )
        }
    }
    static __JOB_ENTRY: ::jobs_runtime::__private::JobEntry = ::jobs_runtime::__private::JobEntry {
        name: ::jobs_runtime::__private::Cow::Borrowed("clean_up"),
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
        backoff: ::jobs_runtime::__private::None,
        timeout: ::jobs_runtime::__private::None,
        tags: ::jobs_runtime::__private::Cow::Borrowed(&[]),
        schedules: ::jobs_runtime::__private::Cow::Borrowed(
            &[
                ::jobs_runtime::__private::ScheduleEntry {
                    key: ::jobs_runtime::__private::None,
                    spec: ::jobs_runtime::__private::ScheduleText::Every(
                        ::jobs_runtime::__private::Cow::Borrowed("5m"),
                    ),
                    zone: ::jobs_runtime::__private::None,
                    run_on_start: ::jobs_runtime::__private::None,
                    misfire: ::jobs_runtime::__private::Misfire::Once,
                    overlap: ::jobs_runtime::__private::Overlap::Skip,
                    jitter: ::jobs_runtime::__private::Duration::new(0, 0),
                    starts: ::jobs_runtime::__private::None,
                    ends: ::jobs_runtime::__private::None,
                    enabled: true,
                    payload: ::jobs_runtime::__private::None,
                },
            ],
        ),
        arguments: &[],
        services: &[
            ::jobs_runtime::__private::service::<
                <__JobType0 as ::jobs_runtime::__private::Same>::Type,
            >(),
            ::jobs_runtime::__private::service::<
                <__JobType1 as ::jobs_runtime::__private::Same>::Type,
            >(),
            ::jobs_runtime::__private::service::<
                <__JobType2 as ::jobs_runtime::__private::Same>::Type,
            >(),
        ],
        handler: ::jobs_runtime::__private::Handler::Fn(|call| {
            let scope = call.scope;
            ::jobs_runtime::__private::Ok(
                ::jobs_runtime::__private::Box::pin(async move {
                    let service_0 = scope
                        .service::<
                            <__JobType0 as ::jobs_runtime::__private::Same>::Type,
                        >()?;
                    let service_1 = scope
                        .service::<
                            <__JobType1 as ::jobs_runtime::__private::Same>::Type,
                        >()?;
                    let service_2 = scope
                        .service::<
                            <__JobType2 as ::jobs_runtime::__private::Same>::Type,
                        >()?;
                    let job = clean_up;
                    let settle = ::jobs_runtime::__private::settle::<
                        <clean_up as ::jobs_runtime::__private::Job>::Return,
                    >();
                    settle(job(service_0, service_1, service_2).await)
                }),
            )
        }),
    };
    impl ::jobs_runtime::__private::Job for clean_up {
        const NAME: &'static ::jobs_runtime::__private::str = "clean_up";
        type Return = Result<(), BoxError>;
        fn entry() -> &'static ::jobs_runtime::__private::JobEntry {
            &__JOB_ENTRY
        }
    }
    impl<Output> ::jobs_runtime::__private::Follows<Output> for clean_up {
        const ARGUMENT: ::jobs_runtime::__private::Option<
            &'static ::jobs_runtime::__private::str,
        > = ::jobs_runtime::__private::None;
    }
    ::jobs_runtime::__private::inventory::submit! {
        ::jobs_runtime::__private::Linked(& __JOB_ENTRY)
    }
};
