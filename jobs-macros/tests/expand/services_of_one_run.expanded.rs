async fn charge<'c>(
    (lock, log): &mut (Lock, Box<dyn FnMut(&'_ str) -> Kept<'_> + Send + '_>),
    db: &Db,
    tx: &mut sqlx::Transaction<'c, Postgres>,
    mut order: i64,
    _: &mut Tenant<Vec<Wait<'_>>>,
) -> Result<(), BoxError> {
    order += 1;
}
#[doc(hidden)]
struct charge {}
const _: () = {
    type __JobType0 = (Lock, Box<dyn FnMut(&'_ str) -> Kept<'_> + Send + 'static>);
    type __JobType1 = Db;
    type __JobType2 = sqlx::Transaction<'static, Postgres>;
    type __JobType3 = i64;
    type __JobType4 = Tenant<Vec<Wait<'static>>>;
    impl charge {
        /// The name under which jobs of this kind are stored.
        pub const NAME: &'static ::jobs_runtime::__private::str = "charge";
        /// A job with these arguments, to be enqueued.
        pub fn job(order: i64) -> ::jobs_runtime::__private::JobBuilder<Self> {
            ::jobs_runtime::__private::JobBuilder::new({
                let mut arguments = ::jobs_runtime::__private::ArgumentWriter::new();
                arguments
                    .put(
                        &::jobs_runtime::__private::codec::<
                            <__JobType3 as ::jobs_runtime::__private::Same>::Type,
                        >("order"),
                        &order,
                    );
                arguments
            })
        }
    }
    static __JOB_ENTRY: ::jobs_runtime::__private::JobEntry = ::jobs_runtime::__private::JobEntry {
        name: ::jobs_runtime::__private::Cow::Borrowed("charge"),
        module: ::jobs_runtime::__private::module_path!(),
        location: ::jobs_runtime::__private::Location {
            file: ::jobs_runtime::__private::file!(),
            line: ::jobs_runtime::__private::line!(),
        },
        aliases: ::jobs_runtime::__private::Cow::Borrowed(&[]),
        queue: ::jobs_runtime::__private::Cow::Borrowed("billing"),
        priority: 0,
        retries: ::jobs_runtime::__private::None,
        backoff: ::jobs_runtime::__private::None,
        timeout: ::jobs_runtime::__private::None,
        tags: ::jobs_runtime::__private::Cow::Borrowed(&[]),
        schedules: ::jobs_runtime::__private::Cow::Borrowed(&[]),
        arguments: &[
            ::jobs_runtime::__private::argument::<
                <__JobType3 as ::jobs_runtime::__private::Same>::Type,
            >("order"),
        ],
        services: &[
            ::jobs_runtime::__private::own::<
                <__JobType0 as ::jobs_runtime::__private::Same>::Type,
            >(),
            ::jobs_runtime::__private::service::<
                <__JobType1 as ::jobs_runtime::__private::Same>::Type,
            >(),
            ::jobs_runtime::__private::own::<
                <__JobType2 as ::jobs_runtime::__private::Same>::Type,
            >(),
            ::jobs_runtime::__private::own::<
                <__JobType4 as ::jobs_runtime::__private::Same>::Type,
            >(),
        ],
        handler: ::jobs_runtime::__private::Handler::Fn(|call| {
            let mut reader = call.arguments();
            let (::jobs_runtime::__private::Some(argument_0),) = (
                reader
                    .take(
                        &::jobs_runtime::__private::codec::<
                            <__JobType3 as ::jobs_runtime::__private::Same>::Type,
                        >("order"),
                    ),
            ) else {
                return ::jobs_runtime::__private::Err(reader.error());
            };
            let scope = call.scope;
            ::jobs_runtime::__private::Ok(
                ::jobs_runtime::__private::Box::pin(async move {
                    let service_0 = scope
                        .service::<
                            <__JobType1 as ::jobs_runtime::__private::Same>::Type,
                        >()?;
                    let mut own = scope
                        .build(
                            &[
                                ::jobs_runtime::__private::own::<
                                    <__JobType0 as ::jobs_runtime::__private::Same>::Type,
                                >(),
                                ::jobs_runtime::__private::own::<
                                    <__JobType2 as ::jobs_runtime::__private::Same>::Type,
                                >(),
                                ::jobs_runtime::__private::own::<
                                    <__JobType4 as ::jobs_runtime::__private::Same>::Type,
                                >(),
                            ],
                        )
                        .await?;
                    let mut own_0 = own
                        .take::<
                            <__JobType0 as ::jobs_runtime::__private::Same>::Type,
                        >()?;
                    let mut own_1 = own
                        .take::<
                            <__JobType2 as ::jobs_runtime::__private::Same>::Type,
                        >()?;
                    let mut own_2 = own
                        .take::<
                            <__JobType4 as ::jobs_runtime::__private::Same>::Type,
                        >()?;
                    let job = charge;
                    let settle = ::jobs_runtime::__private::settle::<
                        <charge as ::jobs_runtime::__private::Job>::Return,
                    >();
                    let settled = settle(
                        job(&mut *own_0, service_0, &mut *own_1, argument_0, &mut *own_2)
                            .await,
                    );
                    own.put::<
                            <__JobType0 as ::jobs_runtime::__private::Same>::Type,
                        >(own_0);
                    own.put::<
                            <__JobType2 as ::jobs_runtime::__private::Same>::Type,
                        >(own_1);
                    own.put::<
                            <__JobType4 as ::jobs_runtime::__private::Same>::Type,
                        >(own_2);
                    own.end(settled).await
                }),
            )
        }),
    };
    impl ::jobs_runtime::__private::Job for charge {
        const NAME: &'static ::jobs_runtime::__private::str = "charge";
        type Return = Result<(), BoxError>;
        fn entry() -> &'static ::jobs_runtime::__private::JobEntry {
            &__JOB_ENTRY
        }
    }
    impl ::jobs_runtime::__private::Follows<__JobType3> for charge {
        const ARGUMENT: ::jobs_runtime::__private::Option<
            &'static ::jobs_runtime::__private::str,
        > = ::jobs_runtime::__private::Some("order");
    }
    ::jobs_runtime::__private::inventory::submit! {
        ::jobs_runtime::__private::Linked(& __JOB_ENTRY)
    }
};
