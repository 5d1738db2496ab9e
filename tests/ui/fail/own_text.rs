use jobs_runtime::job;

#[job]
async fn send(text: &mut String, lines: &mut Vec<String>) {
    text.push_str(&lines.join("\n"));
}

fn main() {
    let _job = send::job();
}
