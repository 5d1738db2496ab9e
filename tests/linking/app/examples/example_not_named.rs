//! An example that names nothing finds nothing, whatever the program beside it names.

fn main() {
    show::start();
}
