use jobs_runtime::job;

struct Picture(std::rc::Rc<[u8]>);

#[job]
async fn resize(width: u32, picture: Picture) {
    tick().await;
    drop((width, picture.0));
}

async fn tick() {}

fn main() {}
