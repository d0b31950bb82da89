//! Tells the linker where Node-API symbols come from, when the binding is built.

fn main() {
    #[cfg(feature = "node")]
    napi_build::setup();
}
