//! An HTTP service as a tool or plugin.
//!
//! The operator chooses the address. What an agent says is query or body, never host, path or
//! header. Nothing but this computer is reached unless the operator lists the host; no redirect is
//! followed and no proxy asked, so that the address asked is the address configured.

mod address;
mod answer;
mod url;

use std::collections::BTreeMap;

use avm_ir::Value;
use avm_vm::FailureCode;
use serde::Deserialize;
use ureq::{
    Agent,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri},
    tls::{RootCerts, TlsConfig},
    unversioned::transport::DefaultConnector,
};

use super::{
    functions::{Functions, Role, functions, offered},
    wire::{Input, Output, most_bytes, too_large, too_late},
};
use crate::{
    provider::{
        Call, Determinism, Function, Manifest, Outcome, Plugin, Provider, Reaches, Refusal, Tool,
    },
    settings::{BadSettings, Settings},
};
use address::{Checked, NotAllowed, Rule};

/// Largest head of a response, in bytes.
const MAX_HEAD: usize = 64 << 10;

/// How `read` asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Read {
    /// The arguments, a record, are the query.
    #[default]
    Get,
    /// The arguments are the body.
    Post,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    url: String,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    read: Read,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    header_file: BTreeMap<String, String>,
    #[serde(default)]
    header_env: BTreeMap<String, String>,
    input: Option<Input>,
    #[serde(default)]
    output: Output,
    #[serde(default)]
    functions: Functions,
    #[serde(default)]
    cost: u64,
}

/// An HTTP service as a tool or plugin.
pub struct Http {
    name: String,
    url: String,
    /// The URL without its query, which may be secret.
    place: String,
    agent: Agent,
    headers: HeaderMap,
    read: Read,
    input: Input,
    output: Output,
    functions: Vec<Function>,
    cost: u64,
}

impl Http {
    /// A service as a tool.
    ///
    /// # Errors
    /// A key is missing or wrong, or the address is not allowed.
    pub fn tool(settings: &Settings) -> Result<Self, BadSettings> {
        Self::new(Role::Tool, settings)
    }

    /// A service as a plugin.
    ///
    /// # Errors
    /// A key is missing or wrong, or the address is not allowed.
    pub fn plugin(settings: &Settings) -> Result<Self, BadSettings> {
        Self::new(Role::Plugin, settings)
    }

    fn new(role: Role, settings: &Settings) -> Result<Self, BadSettings> {
        let keys: Keys = settings.read()?;
        let (uri, rule) = address::check(&keys.url, &keys.allow)?;
        let (kind, input) = match role {
            Role::Tool => ("tool", Input::Args),
            Role::Plugin => ("plugin", Input::Call),
        };
        let url = uri.to_string();
        Ok(Self {
            name: format!("{kind} \"{}\"", settings.name),
            place: url.split('?').next().unwrap_or("").to_owned(),
            url,
            agent: agent(rule),
            headers: headers(settings, &keys)?,
            read: keys.read,
            input: keys.input.unwrap_or(input),
            output: keys.output,
            functions: functions(role, &keys.functions)?,
            cost: keys.cost,
        })
    }

    fn get(&self, call: &Call, args: &Value) -> Outcome {
        offered(&self.functions, "read")?;
        let uri = url::with_query(&self.url, args)?;
        self.send(call, self.request(Method::GET, uri), Vec::new())
    }

    fn post(&self, call: &Call, function: &str, args: &Value) -> Outcome {
        offered(&self.functions, function)?;
        let body = self.input.bytes(function, args)?;
        let mut request = self.request(Method::POST, self.url.clone());
        let headers = request.headers_mut();
        let kind = match self.input {
            Input::Text => "text/plain; charset=utf-8",
            Input::Call | Input::Args => "application/json",
        };
        headers.entry("content-type").or_insert(HeaderValue::from_static(kind));
        // A service that knows the header does once what it is asked twice.
        let key = call.idempotency_key.bytes();
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        if let Ok(key) = HeaderValue::from_str(&key) {
            headers.insert("idempotency-key", key);
        }
        self.send(call, request, body)
    }

    fn request(&self, method: Method, uri: String) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = method;
        // It was read when the tool was bound; a query adds only what a URL may have.
        *request.uri_mut() = uri.parse().unwrap_or_else(|_| Uri::from_static("/"));
        *request.headers_mut() = self.headers.clone();
        request
    }

    fn send(&self, call: &Call, request: Request<()>, body: Vec<u8>) -> Outcome {
        let most = most_bytes(call);
        let failed = |error| self.failed(call, most, error);
        let timeout = (call.timeout < std::time::Duration::MAX).then_some(call.timeout);
        let response = if request.method() == Method::GET {
            let request = self.agent.configure_request(request).timeout_global(timeout).build();
            self.agent.run(request)
        } else {
            let request = request.map(|()| body);
            let request = self.agent.configure_request(request).timeout_global(timeout).build();
            self.agent.run(request)
        };
        let mut response = response.map_err(failed)?;
        let status = response.status();
        if let Some(refusal) = answer::redirect(&self.name, &response) {
            return Err(refusal);
        }
        // The words of a failure are few; more of them are not read.
        let limit = if status.is_success() { most } else { answer::MAX_WORDS };
        let read = response.body_mut().with_config().limit(limit).read_to_vec();
        if !status.is_success() {
            return Err(answer::failure(&self.name, status, &read.unwrap_or_default()));
        }
        self.output.reply(&self.name, call, read.map_err(failed)?)
    }

    fn failed(&self, call: &Call, most: u64, error: ureq::Error) -> Refusal {
        use ureq::Error;
        let name = &self.name;
        let code = match &error {
            Error::Timeout(_) => return too_late(name, call),
            Error::BodyExceedsLimit(_) => return too_large(name, most),
            Error::Other(other) if other.is::<NotAllowed>() => {
                return Refusal::new(FailureCode::Denied, format!("{name}: {other}"));
            }
            Error::Rustls(_) | Error::Tls(_) => FailureCode::Denied,
            // How a handshake fails in the middle of reading.
            Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                FailureCode::Denied
            }
            Error::LargeResponseHeader(..) => FailureCode::TooLarge,
            Error::Http(_) | Error::Protocol(_) | Error::BadUri(_) => FailureCode::Internal,
            _ => FailureCode::Unavailable,
        };
        Refusal::new(code, format!("{name} at {}: {error}", self.place))
    }
}

/// A client that reaches what the rule permits, and asks nobody else.
fn agent(rule: Rule) -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::WebPki).build();
    let config = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_response_header_size(MAX_HEAD)
        .max_idle_connections(0)
        .accept_encoding("identity")
        .user_agent("avm")
        .tls_config(tls)
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Checked::new(rule))
}

/// The headers of every request: literal ones, those in files, those in the environment.
fn headers(settings: &Settings, keys: &Keys) -> Result<HeaderMap, BadSettings> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &String, value: &str| {
        // The message must not show a value: it may be a key.
        let bad = |what| BadSettings::new(format!("header {name:?} has no valid {what}"));
        let header: HeaderName = name.parse().map_err(|_| bad("name"))?;
        if matches!(header.as_str(), "host" | "content-length" | "transfer-encoding" | "connection")
        {
            return Err(BadSettings::new(format!("header {name:?} is not yours to set")));
        }
        let mut value = HeaderValue::from_str(value.trim()).map_err(|_| bad("value"))?;
        value.set_sensitive(true);
        headers.insert(header, value);
        Ok(())
    };
    for (name, value) in &keys.headers {
        add(name, value)?;
    }
    for (name, path) in &keys.header_file {
        add(name, &settings.text(path)?)?;
    }
    for (name, variable) in &keys.header_env {
        let value = settings.host.variable(variable).and_then(|value| value.into_string().ok());
        let value = value.ok_or_else(|| {
            BadSettings::new(format!("header_env.{name}: {variable} is not set in the environment"))
        });
        add(name, &value?)?;
    }
    Ok(headers)
}

impl Provider for Http {
    fn manifest(&self) -> Manifest {
        Manifest {
            about: format!("the HTTP service {}", self.place),
            functions: self.functions.clone(),
            determinism: Determinism::Outside,
            reaches: Reaches::Network,
            cost: self.cost,
        }
    }
}

impl Tool for Http {
    fn read(&self, call: &Call, args: &Value) -> Outcome {
        match self.read {
            Read::Get => self.get(call, args),
            Read::Post => self.post(call, "read", args),
        }
    }

    fn write(&self, call: &Call, data: &Value) -> Outcome {
        self.post(call, "write", data)
    }
}

impl Plugin for Http {
    fn call(&self, call: &Call, function: &str, args: &Value) -> Outcome {
        self.post(call, function, args)
    }
}

#[cfg(test)]
mod tests;
