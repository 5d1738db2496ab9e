//! A crate of the list is no longer named: this test fails, and says which jobs are lost.

jobs_runtime::jobs!(billing::jobs);

#[test]
fn jobs_are_those_of_the_list() {
    jobs_runtime::assert_registered!("jobs.txt");
}
