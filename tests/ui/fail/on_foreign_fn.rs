use jobs_runtime::job;

unsafe extern "C" {
    #[job]
    fn send(to: u8);
}

fn main() {}
