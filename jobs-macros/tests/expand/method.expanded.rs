async fn send(&self, to: String) {}
::core::compile_error! {
    "a job cannot be a method\nhelp: write a free fn, and borrow what `self` holds as a service: `&Mailer`"
}
