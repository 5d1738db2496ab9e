use jobs_runtime::job;

#[job]
async fn send((to, from): (String, String)) {
    drop((to, from));
}

fn main() {}
