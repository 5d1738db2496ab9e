fn send<'a, T: Clone>(
    mailer: &'static mut Mailer,
    (to, from): (T, &'a str),
    subject: &str,
) -> Result<(), MailError> {}
::core::compile_error! {
    "unknown key `qeue`\nhelp: did you mean `queue`?"
}
::core::compile_error! {
    "`retries` takes a whole number\nhelp: write `retries = 3`"
}
::core::compile_error! {
    "unknown key `max_attempts`\nhelp: it is called `retries` here, which does not count the first attempt"
}
::core::compile_error! {
    "a job must be an `async fn`\nhelp: write `async fn`; blocking work goes into `spawn_blocking`"
}
::core::compile_error! {
    "a job cannot be generic: its stored arguments are of one type\nhelp: write one job for each type, each an `async fn` that calls this one"
}
::core::compile_error! {
    "a parameter of a job is borrowed for one run only\nhelp: write `&mut Mailer`"
}
::core::compile_error! {
    "an argument of a job needs a name\nhelp: give it a plain name, the key under which its value is stored, and take it apart in the body"
}
::core::compile_error! {
    "an argument cannot borrow: it is stored with the job\nhelp: write types that own what they hold, such as `String`; for a service put the `&` first: `&T`"
}
::core::compile_error! {
    "`&str` cannot be an argument: borrowed parameters are services of the runtime\nhelp: for an argument write `String`"
}
#[doc(hidden)]
struct send {}
const _: () = {
    impl send {
        pub const NAME: &'static ::jobs_runtime::__private::str = "send";
        #[allow(unused_variables)]
        pub fn job<'a, T: Clone>(
            _: (T, &'a str),
        ) -> ::jobs_runtime::__private::JobBuilder<Self> {
            ::jobs_runtime::__private::unreachable!()
        }
    }
    impl ::jobs_runtime::__private::Job for send {
        const NAME: &'static ::jobs_runtime::__private::str = "send";
        type Return = ();
        fn entry() -> &'static ::jobs_runtime::__private::JobEntry {
            ::jobs_runtime::__private::unreachable!()
        }
    }
    impl<Output> ::jobs_runtime::__private::Follows<Output> for send {
        const ARGUMENT: ::jobs_runtime::__private::Option<
            &'static ::jobs_runtime::__private::str,
        > = ::jobs_runtime::__private::None;
    }
};
