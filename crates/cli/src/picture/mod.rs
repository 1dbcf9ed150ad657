//! Preview images on the terminal: untrusted bytes in, escapes of the terminal's own protocol out.

mod bitmap;
mod blocks;
mod decode;
mod kitty;
mod protocol;
mod renderer;
mod sixel;

pub(crate) use self::{protocol::PreviewMode, renderer::PreviewRenderer};
