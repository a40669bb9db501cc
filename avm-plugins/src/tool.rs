//! Providers for tools and plugins: recorded answers, programs of the operator, HTTP services.
//!
//! What a program of an agent gives them is data: it chooses no program, no address, no file and no
//! variable of the environment. Those stand in the operator's configuration.

#[cfg(unix)]
mod command;
mod fixture;
mod functions;
#[cfg(feature = "http")]
mod http;
mod wire;

#[cfg(unix)]
pub use command::Command;
pub use fixture::Fixture;
#[cfg(feature = "http")]
pub use http::Http;
