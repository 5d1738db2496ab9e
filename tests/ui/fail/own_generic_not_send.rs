use jobs_runtime::job;

struct Unit<T>(Vec<T>);

#[job]
async fn charge(unit: &mut Unit<Box<dyn Fn()>>) {
    unit.0.clear();
}

fn main() {
    let _job = charge::job();
}
