//! One job, in a module of another crate than the rest.

pub mod jobs {
    #[jobs_runtime::job]
    pub async fn bill() {}
}
