//! The jobs of two crates are those of the list that is checked in.

jobs_runtime::jobs!(my_jobs, billing::jobs);

#[test]
fn jobs_are_those_of_the_list() {
    jobs_runtime::assert_registered!("jobs.txt");
}
