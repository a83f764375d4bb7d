//! What the linker must know for a Node-API addon.

fn main() {
    napi_build::setup();
}
