//! Nothing that the macro writes is reported by the lints of the user.
#![forbid(unsafe_code, missing_docs, dead_code, deprecated, unreachable_pub)]
#![deny(warnings, nonstandard_style, private_interfaces, missing_debug_implementations, unused_qualifications, clippy::pedantic)]

/// Jobs.
pub mod jobs {
    use jobs_runtime::job;

    /// Never called by anybody but the runtime.
    #[job]
    pub async fn swept() {}

    /// Takes much, for the lint that counts parameters, and by value, for the lint on that.
    #[job(cron = "@daily")]
    pub async fn reported(
        a: Option<String>,
        b: Option<String>,
        c: Option<String>,
        d: Option<String>,
        e: Option<String>,
        f: Option<String>,
        _g: Option<String>,
    ) -> Result<(), String> {
        drop((a, b, c, d, e, f));
        Ok(())
    }

    /// Has things for itself.
    #[job]
    pub async fn charged(text: &mut Box<dyn std::fmt::Write + Send + '_>, _: &mut (u8, u8)) -> Result<(), std::fmt::Error> {
        text.write_str("1")
    }

    #[job]
    async fn unused_and_private(clock: &(dyn std::any::Any + Send + Sync)) {
        let _ = clock;
    }
}

fn main() {}
