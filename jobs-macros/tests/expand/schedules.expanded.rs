async fn greet(db: &Db, r#type: String, count: i64, only: Option<u8>) {}
#[doc(hidden)]
struct greet {}
const _: () = {
    type __JobType0 = Db;
    type __JobType1 = String;
    type __JobType2 = i64;
    type __JobType3 = Option<u8>;
    impl greet {
        /// The name under which jobs of this kind are stored.
        pub const NAME: &'static ::jobs_runtime::__private::str = "greet";
        /// A job with these arguments, to be enqueued.
        pub fn job(
            r#type: String,
            count: i64,
            only: Option<u8>,
        ) -> ::jobs_runtime::__private::JobBuilder<Self> {
            ::jobs_runtime::__private::JobBuilder::new({
                let mut arguments = ::jobs_runtime::__private::ArgumentWriter::new();
                arguments
                    .put(
                        &::jobs_runtime::__private::codec::<
                            <__JobType1 as ::jobs_runtime::__private::Same>::Type,
                        >("type"),
                        &r#type,
                    );
                arguments
                    .put(
                        &::jobs_runtime::__private::codec::<
                            <__JobType2 as ::jobs_runtime::__private::Same>::Type,
                        >("count"),
                        &count,
                    );
                arguments
                    .put(
                        &::jobs_runtime::__private::codec::<
                            <__JobType3 as ::jobs_runtime::__private::Same>::Type,
                        >("only"),
                        &only,
                    );
                arguments
            })
        }
    }
    static __JOB_ENTRY: ::jobs_runtime::__private::JobEntry = ::jobs_runtime::__private::JobEntry {
        name: ::jobs_runtime::__private::Cow::Borrowed("greet"),
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
                        ::jobs_runtime::__private::Cow::Borrowed("10m"),
                    ),
                    zone: ::jobs_runtime::__private::None,
                    run_on_start: ::jobs_runtime::__private::None,
                    misfire: ::jobs_runtime::__private::Misfire::All {
                        limit: 20,
                        within: ::jobs_runtime::__private::Duration::new(7200, 0),
                    },
                    overlap: ::jobs_runtime::__private::Overlap::Queue,
                    jitter: ::jobs_runtime::__private::Duration::new(90, 0),
                    starts: ::jobs_runtime::__private::Some(::jobs_runtime::__private::Moment {
                        year: 2027,
                        month: 1,
                        day: 31,
                        hour: 8,
                        minute: 0,
                        second: 0,
                        offset: ::jobs_runtime::__private::Some(3600),
                    }),
                    ends: ::jobs_runtime::__private::Some(::jobs_runtime::__private::Moment {
                        year: 2027,
                        month: 12,
                        day: 24,
                        hour: 0,
                        minute: 0,
                        second: 0,
                        offset: ::jobs_runtime::__private::None,
                    }),
                    enabled: true,
                    payload: ::jobs_runtime::__private::Some(|| {
                        let mut arguments = ::jobs_runtime::__private::ArgumentWriter::new();
                        let value: <__JobType1 as ::jobs_runtime::__private::Same>::Type = ::core::convert::From::from(
                            "plain",
                        );
                        arguments
                            .put(
                                &::jobs_runtime::__private::codec::<
                                    <__JobType1 as ::jobs_runtime::__private::Same>::Type,
                                >("type"),
                                &value,
                            );
                        let value: <__JobType2 as ::jobs_runtime::__private::Same>::Type = LIMIT
                            .min(3);
                        arguments
                            .put(
                                &::jobs_runtime::__private::codec::<
                                    <__JobType2 as ::jobs_runtime::__private::Same>::Type,
                                >("count"),
                                &value,
                            );
                        arguments.finish()
                    }),
                },
                ::jobs_runtime::__private::ScheduleEntry {
                    key: ::jobs_runtime::__private::Some(
                        ::jobs_runtime::__private::Cow::Borrowed("morning"),
                    ),
                    spec: ::jobs_runtime::__private::ScheduleText::Cron(
                        ::jobs_runtime::__private::Cow::Borrowed("0 9 * * *"),
                    ),
                    zone: ::jobs_runtime::__private::Some(
                        ::jobs_runtime::__private::Cow::Borrowed("Europe/Berlin"),
                    ),
                    run_on_start: ::jobs_runtime::__private::None,
                    misfire: ::jobs_runtime::__private::Misfire::Skip,
                    overlap: ::jobs_runtime::__private::Overlap::Skip,
                    jitter: ::jobs_runtime::__private::Duration::new(0, 0),
                    starts: ::jobs_runtime::__private::None,
                    ends: ::jobs_runtime::__private::None,
                    enabled: true,
                    payload: ::jobs_runtime::__private::Some(|| {
                        let mut arguments = ::jobs_runtime::__private::ArgumentWriter::new();
                        let value: <__JobType1 as ::jobs_runtime::__private::Same>::Type = String::new();
                        arguments
                            .put(
                                &::jobs_runtime::__private::codec::<
                                    <__JobType1 as ::jobs_runtime::__private::Same>::Type,
                                >("type"),
                                &value,
                            );
                        let value: <__JobType2 as ::jobs_runtime::__private::Same>::Type = 1;
                        arguments
                            .put(
                                &::jobs_runtime::__private::codec::<
                                    <__JobType2 as ::jobs_runtime::__private::Same>::Type,
                                >("count"),
                                &value,
                            );
                        arguments.finish()
                    }),
                },
                ::jobs_runtime::__private::ScheduleEntry {
                    key: ::jobs_runtime::__private::Some(
                        ::jobs_runtime::__private::Cow::Borrowed("start"),
                    ),
                    spec: ::jobs_runtime::__private::ScheduleText::Never,
                    zone: ::jobs_runtime::__private::None,
                    run_on_start: ::jobs_runtime::__private::Some(
                        ::jobs_runtime::__private::RunOnStart::Deployment,
                    ),
                    misfire: ::jobs_runtime::__private::Misfire::Once,
                    overlap: ::jobs_runtime::__private::Overlap::Skip,
                    jitter: ::jobs_runtime::__private::Duration::new(0, 0),
                    starts: ::jobs_runtime::__private::None,
                    ends: ::jobs_runtime::__private::None,
                    enabled: true,
                    payload: ::jobs_runtime::__private::Some(|| {
                        let mut arguments = ::jobs_runtime::__private::ArgumentWriter::new();
                        let value: <__JobType1 as ::jobs_runtime::__private::Same>::Type = ::core::convert::From::from(
                            "start",
                        );
                        arguments
                            .put(
                                &::jobs_runtime::__private::codec::<
                                    <__JobType1 as ::jobs_runtime::__private::Same>::Type,
                                >("type"),
                                &value,
                            );
                        let value: <__JobType2 as ::jobs_runtime::__private::Same>::Type = -1;
                        arguments
                            .put(
                                &::jobs_runtime::__private::codec::<
                                    <__JobType2 as ::jobs_runtime::__private::Same>::Type,
                                >("count"),
                                &value,
                            );
                        let value: <__JobType3 as ::jobs_runtime::__private::Same>::Type = Some(
                            7,
                        );
                        arguments
                            .put(
                                &::jobs_runtime::__private::codec::<
                                    <__JobType3 as ::jobs_runtime::__private::Same>::Type,
                                >("only"),
                                &value,
                            );
                        arguments.finish()
                    }),
                },
            ],
        ),
        arguments: &[
            ::jobs_runtime::__private::argument::<
                <__JobType1 as ::jobs_runtime::__private::Same>::Type,
            >("type"),
            ::jobs_runtime::__private::argument::<
                <__JobType2 as ::jobs_runtime::__private::Same>::Type,
            >("count"),
            ::jobs_runtime::__private::unsupplied::<
                <__JobType3 as ::jobs_runtime::__private::Same>::Type,
            >("only"),
        ],
        services: &[
            ::jobs_runtime::__private::service::<
                <__JobType0 as ::jobs_runtime::__private::Same>::Type,
            >(),
        ],
        handler: ::jobs_runtime::__private::Handler::Fn(|call| {
            let mut reader = call.arguments();
            let (
                ::jobs_runtime::__private::Some(argument_0),
                ::jobs_runtime::__private::Some(argument_1),
                ::jobs_runtime::__private::Some(argument_2),
            ) = (
                reader
                    .take(
                        &::jobs_runtime::__private::codec::<
                            <__JobType1 as ::jobs_runtime::__private::Same>::Type,
                        >("type"),
                    ),
                reader
                    .take(
                        &::jobs_runtime::__private::codec::<
                            <__JobType2 as ::jobs_runtime::__private::Same>::Type,
                        >("count"),
                    ),
                reader
                    .take(
                        &::jobs_runtime::__private::codec::<
                            <__JobType3 as ::jobs_runtime::__private::Same>::Type,
                        >("only"),
                    ),
            ) else {
                return ::jobs_runtime::__private::Err(reader.error());
            };
            let scope = call.scope;
            ::jobs_runtime::__private::Ok(
                ::jobs_runtime::__private::Box::pin(async move {
                    let service_0 = scope
                        .service::<
                            <__JobType0 as ::jobs_runtime::__private::Same>::Type,
                        >()?;
                    let job = greet;
                    let settle = ::jobs_runtime::__private::settle::<()>();
                    settle(job(service_0, argument_0, argument_1, argument_2).await)
                }),
            )
        }),
    };
    impl ::jobs_runtime::__private::Job for greet {
        const NAME: &'static ::jobs_runtime::__private::str = "greet";
        type Return = ();
        fn entry() -> &'static ::jobs_runtime::__private::JobEntry {
            &__JOB_ENTRY
        }
    }
    ::jobs_runtime::__private::inventory::submit! {
        ::jobs_runtime::__private::Linked(& __JOB_ENTRY)
    }
};
