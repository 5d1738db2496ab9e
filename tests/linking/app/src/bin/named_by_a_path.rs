//! The crate with the jobs is named by the use of something else in it.

fn main() {
    assert_eq!(my_jobs::plain(), 7);
    show::start();
}
