//! Preview images on the terminal: untrusted bytes in, escapes of the terminal's own protocol out.

mod bitmap;
mod blocks;
mod decode;
mod easel;
mod kitty;
mod protocol;
mod sixel;

pub(crate) use self::{easel::Easel, protocol::Wish};
