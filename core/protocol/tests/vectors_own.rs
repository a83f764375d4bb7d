//! The vectors in `testdata/` are what the generator makes. They are frozen: a
//! difference means that a format has changed.

mod common;
#[path = "../examples/vectors/generate/mod.rs"]
mod generate;

#[test]
fn the_vectors_are_what_the_code_makes() {
    for (name, cases) in generate::files() {
        assert!(!cases.is_empty());
        let path = generate::folder().join(name);
        assert!(generate::is_same(&path, &cases), "{name} differs");
    }
}
