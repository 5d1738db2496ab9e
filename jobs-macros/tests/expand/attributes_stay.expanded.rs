/// Sends.
#[instrument(skip_all)]
#[deprecated(note = "use `send`")]
#[allow(clippy::unused_async)]
pub(crate) async fn r#type(#[allow(unused)] r#in: u8) -> Result<(), String> {
    Ok(())
}
#[deprecated(note = "use `send`")]
#[doc(hidden)]
pub(crate) struct r#type {}
#[allow(deprecated)]
const _: () = {
    type __JobType0 = u8;
    impl r#type {
        /// The name under which jobs of this kind are stored.
        pub const NAME: &'static ::jobs_runtime::__private::str = "type";
        /// A job with these arguments, to be enqueued.
        pub fn job(r#in: u8) -> ::jobs_runtime::__private::JobBuilder<Self> {
            ::jobs_runtime::__private::JobBuilder::new({
                let mut arguments = ::jobs_runtime::__private::ArgumentWriter::new();
                arguments
                    .put(
                        &::jobs_runtime::__private::codec::<
                            <__JobType0 as ::jobs_runtime::__private::Same>::Type,
                        >("in"),
                        &r#in,
                    );
                arguments
            })
        }
    }
    static __JOB_ENTRY: ::jobs_runtime::__private::JobEntry = ::jobs_runtime::__private::JobEntry {
        name: ::jobs_runtime::__private::Cow::Borrowed("type"),
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
        schedules: ::jobs_runtime::__private::Cow::Borrowed(&[]),
        arguments: &[
            ::jobs_runtime::__private::argument::<
                <__JobType0 as ::jobs_runtime::__private::Same>::Type,
            >("in"),
        ],
        services: &[],
        handler: ::jobs_runtime::__private::Handler::Fn(|call| {
            let mut reader = call.arguments();
            let (::jobs_runtime::__private::Some(argument_0),) = (
                reader
                    .take(
                        &::jobs_runtime::__private::codec::<
                            <__JobType0 as ::jobs_runtime::__private::Same>::Type,
                        >("in"),
                    ),
            ) else {
                return ::jobs_runtime::__private::Err(reader.error());
            };
            let scope = call.scope;
            ::jobs_runtime::__private::Ok(
                ::jobs_runtime::__private::Box::pin(async move {
                    let job = r#type;
                    let settle = ::jobs_runtime::__private::settle::<
                        <r#type as ::jobs_runtime::__private::Job>::Return,
                    >();
                    settle(job(argument_0).await)
                }),
            )
        }),
    };
    impl ::jobs_runtime::__private::Job for r#type {
        const NAME: &'static ::jobs_runtime::__private::str = "type";
        type Return = Result<(), String>;
        fn entry() -> &'static ::jobs_runtime::__private::JobEntry {
            &__JOB_ENTRY
        }
    }
    impl ::jobs_runtime::__private::Follows<__JobType0> for r#type {
        const ARGUMENT: ::jobs_runtime::__private::Option<
            &'static ::jobs_runtime::__private::str,
        > = ::jobs_runtime::__private::Some("in");
    }
    ::jobs_runtime::__private::inventory::submit! {
        ::jobs_runtime::__private::Linked(& __JOB_ENTRY)
    }
};
