//! Tells the linker where Node-API symbols come from, when the binding is built,
//! and that the addon stays loaded.

fn main() {
    #[cfg(feature = "node")]
    {
        napi_build::setup();
        // A worker that was the only one to use the addon would unload it at its end, and leave the threads of stores
        // and what the allocator does at the end of a thread without their code. Elsewhere libraries stay anyway.
        if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
            println!("cargo:rustc-link-arg-cdylib=-Wl,-z,nodelete");
        }
    }
}
