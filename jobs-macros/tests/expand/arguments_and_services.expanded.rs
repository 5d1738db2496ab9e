pub async fn send_email(
    mailer: &Mailer,
    ctx: &JobContext,
    to: String,
    mut copies: Vec<String>,
) -> Result<Receipt, MailError> {
    copies.push(to);
    mailer.send(ctx.id(), copies).await
}
#[doc(hidden)]
pub struct send_email {}
const _: () = {
    type __JobType0 = Mailer;
    type __JobType2 = String;
    type __JobType3 = Vec<String>;
    impl send_email {
        /// The name under which jobs of this kind are stored.
        pub const NAME: &'static ::jobs_runtime::__private::str = "send_email";
        /// A job with these arguments, to be enqueued.
        pub fn job(
            to: String,
            copies: Vec<String>,
        ) -> ::jobs_runtime::__private::JobBuilder<Self> {
            ::jobs_runtime::__private::JobBuilder::new({
                let mut arguments = ::jobs_runtime::__private::ArgumentWriter::new();
                arguments
                    .put(
                        &::jobs_runtime::__private::codec::<
                            <__JobType2 as ::jobs_runtime::__private::Same>::Type,
                        >("to"),
                        &to,
                    );
                arguments
                    .put(
                        &::jobs_runtime::__private::codec::<
                            <__JobType3 as ::jobs_runtime::__private::Same>::Type,
                        >("copies"),
                        &copies,
                    );
                arguments
            })
        }
    }
    static __JOB_ENTRY: ::jobs_runtime::__private::JobEntry = ::jobs_runtime::__private::JobEntry {
        name: ::jobs_runtime::__private::Cow::Borrowed("send_email"),
        module: ::jobs_runtime::__private::module_path!(),
        location: ::jobs_runtime::__private::Location {
            file: ::jobs_runtime::__private::file!(),
            line: ::jobs_runtime::__private::line!(),
        },
        aliases: ::jobs_runtime::__private::Cow::Borrowed(&[]),
        queue: ::jobs_runtime::__private::Cow::Borrowed("critical"),
        priority: 0,
        retries: ::jobs_runtime::__private::Some(5),
        backoff: ::jobs_runtime::__private::None,
        timeout: ::jobs_runtime::__private::Some(
            ::jobs_runtime::__private::Duration::new(30, 0),
        ),
        tags: ::jobs_runtime::__private::Cow::Borrowed(&[]),
        schedules: ::jobs_runtime::__private::Cow::Borrowed(&[]),
        arguments: &[
            ::jobs_runtime::__private::argument::<
                <__JobType2 as ::jobs_runtime::__private::Same>::Type,
            >("to"),
            ::jobs_runtime::__private::argument::<
                <__JobType3 as ::jobs_runtime::__private::Same>::Type,
            >("copies"),
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
            ) = (
                reader
                    .take(
                        &::jobs_runtime::__private::codec::<
                            <__JobType2 as ::jobs_runtime::__private::Same>::Type,
                        >("to"),
                    ),
                reader
                    .take(
                        &::jobs_runtime::__private::codec::<
                            <__JobType3 as ::jobs_runtime::__private::Same>::Type,
                        >("copies"),
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
                    let job = send_email;
                    let settle = ::jobs_runtime::__private::settle::<
                        <send_email as ::jobs_runtime::__private::Job>::Return,
                    >();
                    settle(job(service_0, scope.context(), argument_0, argument_1).await)
                }),
            )
        }),
    };
    impl ::jobs_runtime::__private::Job for send_email {
        const NAME: &'static ::jobs_runtime::__private::str = "send_email";
        type Return = Result<Receipt, MailError>;
        fn entry() -> &'static ::jobs_runtime::__private::JobEntry {
            &__JOB_ENTRY
        }
    }
    ::jobs_runtime::__private::inventory::submit! {
        ::jobs_runtime::__private::Linked(& __JOB_ENTRY)
    }
};
