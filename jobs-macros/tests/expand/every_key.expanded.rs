async fn report(days: Option<u32>) {}
#[doc(hidden)]
struct report {}
const _: () = {
    type __JobType0 = Option<u32>;
    impl report {
        /// The name under which jobs of this kind are stored.
        pub const NAME: &'static crate::renamed::__private::str = "report:weekly";
        /// A job with these arguments, to be enqueued.
        pub fn job(days: Option<u32>) -> crate::renamed::__private::JobBuilder<Self> {
            crate::renamed::__private::JobBuilder::new({
                let mut arguments = crate::renamed::__private::ArgumentWriter::new();
                arguments
                    .put(
                        &crate::renamed::__private::codec::<
                            <__JobType0 as crate::renamed::__private::Same>::Type,
                        >("days"),
                        &days,
                    );
                arguments
            })
        }
    }
    static __JOB_ENTRY: crate::renamed::__private::JobEntry = crate::renamed::__private::JobEntry {
        name: crate::renamed::__private::Cow::Borrowed("report:weekly"),
        module: crate::renamed::__private::module_path!(),
        location: crate::renamed::__private::Location {
            file: crate::renamed::__private::file!(),
            line: crate::renamed::__private::line!(),
        },
        aliases: crate::renamed::__private::Cow::Borrowed(
            &[crate::renamed::__private::Cow::Borrowed("weekly_report")],
        ),
        queue: crate::renamed::__private::Cow::Borrowed("low"),
        priority: -10,
        retries: crate::renamed::__private::Some(3),
        backoff: crate::renamed::__private::Some(
            crate::renamed::__private::Backoff::List(
                crate::renamed::__private::Cow::Borrowed(
                    &[
                        crate::renamed::__private::Duration::new(60, 0),
                        crate::renamed::__private::Duration::new(300, 0),
                    ],
                ),
            ),
        ),
        timeout: crate::renamed::__private::Some(
            crate::renamed::__private::Duration::new(5400, 0),
        ),
        tags: crate::renamed::__private::Cow::Borrowed(
            &[
                crate::renamed::__private::Cow::Borrowed("report"),
                crate::renamed::__private::Cow::Borrowed("mail"),
            ],
        ),
        schedules: crate::renamed::__private::Cow::Borrowed(
            &[
                crate::renamed::__private::ScheduleEntry {
                    key: crate::renamed::__private::Some(
                        crate::renamed::__private::Cow::Borrowed("weekly"),
                    ),
                    spec: crate::renamed::__private::ScheduleText::Cron(
                        crate::renamed::__private::Cow::Borrowed("0 2 * * MON"),
                    ),
                    zone: crate::renamed::__private::Some(
                        crate::renamed::__private::Cow::Borrowed("Europe/Berlin"),
                    ),
                    run_on_start: crate::renamed::__private::Some(
                        crate::renamed::__private::RunOnStart::Deployment,
                    ),
                    misfire: crate::renamed::__private::Misfire::All {
                        limit: 20,
                        within: crate::renamed::__private::Duration::new(7200, 0),
                    },
                    overlap: crate::renamed::__private::Overlap::Cancel,
                    jitter: crate::renamed::__private::Duration::new(300, 0),
                    starts: crate::renamed::__private::Some(crate::renamed::__private::Moment {
                        year: 2027,
                        month: 1,
                        day: 31,
                        hour: 0,
                        minute: 0,
                        second: 0,
                        offset: crate::renamed::__private::None,
                    }),
                    ends: crate::renamed::__private::Some(crate::renamed::__private::Moment {
                        year: 2027,
                        month: 12,
                        day: 24,
                        hour: 18,
                        minute: 0,
                        second: 0,
                        offset: crate::renamed::__private::Some(-12600),
                    }),
                    enabled: true,
                    payload: crate::renamed::__private::Some(|| {
                        let mut arguments = crate::renamed::__private::ArgumentWriter::new();
                        let value: <__JobType0 as crate::renamed::__private::Same>::Type = Some(
                            7,
                        );
                        arguments
                            .put(
                                &crate::renamed::__private::codec::<
                                    <__JobType0 as crate::renamed::__private::Same>::Type,
                                >("days"),
                                &value,
                            );
                        arguments.finish()
                    }),
                },
                crate::renamed::__private::ScheduleEntry {
                    key: crate::renamed::__private::Some(
                        crate::renamed::__private::Cow::Borrowed("daily"),
                    ),
                    spec: crate::renamed::__private::ScheduleText::Every(
                        crate::renamed::__private::Cow::Borrowed("1d"),
                    ),
                    zone: crate::renamed::__private::None,
                    run_on_start: crate::renamed::__private::Some(
                        crate::renamed::__private::RunOnStart::Process,
                    ),
                    misfire: crate::renamed::__private::Misfire::Once,
                    overlap: crate::renamed::__private::Overlap::Skip,
                    jitter: crate::renamed::__private::Duration::new(0, 0),
                    starts: crate::renamed::__private::None,
                    ends: crate::renamed::__private::None,
                    enabled: true,
                    payload: crate::renamed::__private::None,
                },
            ],
        ),
        arguments: &[
            crate::renamed::__private::unsupplied::<
                <__JobType0 as crate::renamed::__private::Same>::Type,
            >("days"),
        ],
        services: &[],
        handler: crate::renamed::__private::Handler::Fn(|call| {
            let mut reader = call.arguments();
            let (crate::renamed::__private::Some(argument_0),) = (
                reader
                    .take(
                        &crate::renamed::__private::codec::<
                            <__JobType0 as crate::renamed::__private::Same>::Type,
                        >("days"),
                    ),
            ) else {
                return crate::renamed::__private::Err(reader.error());
            };
            let scope = call.scope;
            crate::renamed::__private::Ok(
                crate::renamed::__private::Box::pin(async move {
                    let job = report;
                    let settle = crate::renamed::__private::settle::<()>();
                    settle(job(argument_0).await)
                }),
            )
        }),
    };
    impl crate::renamed::__private::Job for report {
        const NAME: &'static crate::renamed::__private::str = "report:weekly";
        type Return = ();
        fn entry() -> &'static crate::renamed::__private::JobEntry {
            &__JOB_ENTRY
        }
    }
    impl crate::renamed::__private::Follows<__JobType0> for report {
        const ARGUMENT: crate::renamed::__private::Option<
            &'static crate::renamed::__private::str,
        > = crate::renamed::__private::Some("days");
    }
    crate::renamed::__private::inventory::submit! {
        crate ::renamed::__private::Linked(& __JOB_ENTRY)
    }
};
