//! UniFFI's own command line: see `bindings/uniffi/generate`.

fn main() {
    uniffi::uniffi_bindgen_main();
}
