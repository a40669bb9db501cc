//! Services that misbehave, as tools.
#![allow(clippy::disallowed_methods, reason = "real services take real time and threads")]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use avm_ir::{Value, value::from_json};
use avm_vm::{FailureCode, IdempotencyKey, Spend};

use super::Http;
use crate::{
    host::NoHost,
    provider::{Call, Outcome, Plugin, Tool},
    settings::{BadSettings, Settings},
};

fn call(millis: u64, max_bytes: u64) -> Call {
    Call {
        max_bytes,
        max_units: u64::MAX,
        max_gas: u64::MAX,
        max_spend: Spend::UNLIMITED,
        timeout: Duration::from_millis(millis),
        idempotency_key: IdempotencyKey::Given([0xab; 32]),
    }
}

fn settings(table: &str) -> Settings {
    let table = table.parse().expect("TOML");
    Settings { name: "T".to_owned(), table, host: Arc::new(NoHost::default()) }
}

/// A service that takes one connection, reads a request, and does as told. What it read comes
/// through the channel.
fn serve(then: impl FnOnce(&mut TcpStream) + Send + 'static) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/x", listener.local_addr().expect("its address"));
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        let _ = sender.send(request(&mut stream));
        then(&mut stream);
    });
    (url, receiver)
}

/// A request as text, with as much body as it says.
fn request(stream: &mut TcpStream) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split_once("content-length: ").map_or(0, |(_, rest)| {
                rest.lines().next().and_then(|number| number.parse().ok()).unwrap_or(0)
            });
            if body.len() >= length {
                return String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return String::new(),
        }
    }
}

/// A service that gives these bytes and closes.
fn gives(response: impl Into<Vec<u8>>) -> (String, mpsc::Receiver<String>) {
    let response = response.into();
    serve(move |stream| {
        let _ = stream.write_all(&response);
    })
}

/// A service that says something once and something else until nobody listens any more.
fn floods(
    first: &'static str,
    again: impl Into<Vec<u8>>,
    pause: Duration,
) -> (String, mpsc::Receiver<String>) {
    let again = again.into();
    serve(move |stream| {
        let _ = stream.write_all(first.as_bytes());
        while stream.write_all(&again).is_ok() {
            std::thread::sleep(pause);
        }
    })
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn tool(url: &str, more: &str) -> Http {
    Http::tool(&settings(&format!("url = \"{url}\"\n{more}"))).expect("a tool")
}

fn read(url: &str) -> Outcome {
    tool(url, "").read(&call(10_000, 1 << 16), &Value::Null)
}

fn json(text: &str) -> Value {
    from_json(text, 1 << 20).expect("JSON")
}

fn output(outcome: Outcome) -> Value {
    outcome.expect("an answer").outputs.remove(0)
}

fn failure(outcome: Outcome) -> (FailureCode, String) {
    let failure = outcome.expect_err("a failure").failure;
    (failure.code, failure.message)
}

#[test]
fn reading_asks_with_a_query_and_writing_with_a_body() {
    let (url, asked) = gives(ok("{\"t\": 21.5}"));
    let args =
        json(r#"{"city": "Roma & Co/..", "days": 3, "x\r\nHost: evil": null, "y\r\n": true}"#);
    let answer = tool(&url, "").read(&call(10_000, 1 << 16), &args);
    assert_eq!(output(answer), json("{\"t\": 21.5}"));
    let asked = asked.recv().expect("a request");
    assert!(
        asked.starts_with("GET /x?city=Roma%20%26%20Co%2F..&days=3&y%0D%0A=true HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(!asked.contains("evil"), "{asked}");
    assert!(asked.contains("\r\naccept-encoding: identity\r\n"), "{asked}");

    let (url, asked) = gives(ok("done\n"));
    let keys = "output = \"text\"\nheaders = { X-Key = \"k1\" }";
    let answer = tool(&url, keys).write(&call(10_000, 1 << 16), &json("[1, \"a\"]"));
    assert_eq!(output(answer), Value::text("done"));
    let asked = asked.recv().expect("a request");
    assert!(asked.starts_with("POST /x HTTP/1.1\r\n"), "{asked}");
    for part in ["\r\nx-key: k1\r\n", "\r\ncontent-type: application/json\r\n", "\r\n\r\n[1,\"a\"]"]
    {
        assert!(asked.contains(part), "{asked}");
    }
    assert!(asked.contains(&format!("\r\nidempotency-key: {}\r\n", "ab".repeat(32))), "{asked}");

    let (url, asked) = gives(ok("1"));
    let plugin = Http::plugin(&settings(&format!("url = \"{url}\"\n[functions.score]")));
    let plugin = plugin.expect("a plugin");
    assert_eq!(
        output(Plugin::call(&plugin, &call(10_000, 64), "score", &Value::Int(1))),
        Value::Int(1)
    );
    assert!(
        asked.recv().expect("a request").ends_with("\r\n\r\n{\"args\":1,\"function\":\"score\"}")
    );
}

#[test]
fn no_redirect_is_followed() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    other.set_nonblocking(true).expect("a flag");
    let elsewhere = format!("http://{}/", other.local_addr().expect("its address"));
    for target in [
        elsewhere.as_str(),
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data/",
        "//evil.example/",
        "/y",
    ] {
        for status in [301, 302, 303, 307, 308] {
            let (url, _) = gives(format!(
                "HTTP/1.1 {status} Moved\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n"
            ));
            let message =
                format!("tool \"T\" redirects to {target} ({status}), and no redirect is followed");
            assert_eq!(failure(read(&url)), (FailureCode::Denied, message));
        }
    }
    assert!(other.accept().is_err(), "somebody came");
}

#[test]
fn too_much_is_cut_off() {
    let long: &'static str = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
    let chunked: &'static str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let endless: &'static str = "HTTP/1.1 200 OK\r\n\r\n";
    let message = "tool \"T\" gave more than 65536 bytes and was cut off";
    for (head, again) in [
        (long, "x".repeat(1000)),
        (chunked, format!("3e8\r\n{}\r\n", "x".repeat(1000))),
        (endless, "x".repeat(1000)),
    ] {
        let (url, _) = floods(head, again, Duration::ZERO);
        assert_eq!(failure(read(&url)), (FailureCode::TooLarge, message.to_owned()), "{head}");
    }
    let (url, _) =
        floods("HTTP/1.1 200 OK\r\n", format!("X: {}\r\n", "x".repeat(1000)), Duration::ZERO);
    assert_eq!(failure(read(&url)).0, FailureCode::TooLarge, "endless headers");
    let (url, _) = floods("HTTP/1.1 200 OK\r\nX: ", "x".repeat(1000), Duration::ZERO);
    assert_eq!(failure(read(&url)).0, FailureCode::TooLarge, "an endless header");
    let (url, _) = floods("HTTP/1.1 500 No\r\n\r\n", "x".repeat(1000), Duration::ZERO);
    assert_eq!(failure(read(&url)).0, FailureCode::Internal, "an endless failure");
}

#[test]
fn too_slow_is_cut_off() {
    let tick = Duration::from_millis(5);
    for (head, again) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "x"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
        ("HTTP/1.1 200 OK\r\n", "X: y\r\n"),
        ("H", ""),
        ("", ""),
    ] {
        let (url, _) = floods(head, again, tick);
        let start = Instant::now();
        let outcome = tool(&url, "").read(&call(50, 1 << 16), &Value::Null);
        let message = "no answer of tool \"T\" within 50ms".to_owned();
        assert_eq!(failure(outcome), (FailureCode::Timeout, message), "{head:?}");
        assert!(start.elapsed() < Duration::from_secs(5), "{head:?}");
    }
}

#[test]
fn what_is_no_answer_is_a_failure() {
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", gone.local_addr().expect("its address"));
    drop(gone);
    assert_eq!(failure(read(&url)).0, FailureCode::Unavailable, "nobody listens");
    for (response, wanted) in [
        ("", FailureCode::Unavailable),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":", FailureCode::Unavailable),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[1,2,3]", FailureCode::Internal),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n1", FailureCode::Internal),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", FailureCode::Internal),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", FailureCode::Internal),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", FailureCode::Internal),
        ("HTTP/1.1 204 No Content\r\n\r\n", FailureCode::Internal),
        ("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", FailureCode::InvalidArgument),
        ("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", FailureCode::Denied),
        ("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", FailureCode::NotFound),
        ("HTTP/1.1 429 Busy\r\nContent-Length: 0\r\n\r\n", FailureCode::Unavailable),
        ("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", FailureCode::Internal),
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", FailureCode::Unavailable),
    ] {
        let (url, _) = gives(response);
        let (code, message) = failure(read(&url));
        assert_eq!(code, wanted, "{response:?}: {message}");
        assert!(message.contains("tool \"T\""), "{message}");
    }
    let plain = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}/", plain.local_addr().expect("its address"));
    std::thread::spawn(move || {
        let (mut stream, _) = plain.accept().expect("a client");
        let _ = stream.write_all(b"HTTP/1.1 400 This is no TLS\r\n\r\n");
    });
    assert_eq!(failure(read(&url)).0, FailureCode::Denied, "no TLS");
    // What is packed stays packed, so that little cannot become much.
    let mut packed =
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n".to_vec();
    packed.extend([0x1f, 0x8b, 0x08]);
    let (url, _) = gives(packed);
    assert_eq!(failure(read(&url)).1, "tool \"T\" gave no UTF-8 text");
    let (url, _) = gives("HTTP/1.1 404 No\r\nContent-Length: 22\r\n\r\nno such city\nmore words");
    assert_eq!(failure(read(&url)).1, "tool \"T\" answers with status 404: no such city");
}

#[test]
fn a_name_that_leads_home_is_refused_when_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a flag");
    let port = listener.local_addr().expect("its address").port();
    // The resolver takes these for 127.0.0.1, though they do not look like it.
    for host in ["127.1", "2130706433", "0x7f.1"] {
        let tool = tool(&format!("http://{host}:{port}/"), &format!("allow = [\"{host}\"]"));
        let (code, message) = failure(tool.read(&call(10_000, 1 << 16), &Value::Null));
        let wanted = format!(
            "tool \"T\": {host} resolves to 127.0.0.1, which is not allowed; list the address under allow"
        );
        assert_eq!((code, message), (FailureCode::Denied, wanted));
    }
    assert!(listener.accept().is_err(), "somebody came");
}

#[test]
fn what_is_wrong_with_the_keys_is_said_without_secrets() {
    for (table, wanted) in [
        (
            "url = \"http://127.0.0.1/\"\nheaders = { Host = \"evil\" }",
            "header \"Host\" is not yours to set",
        ),
        (
            "url = \"http://127.0.0.1/\"\nheaders = { A = \"s3cret\\u0007\" }",
            "header \"A\" has no valid value",
        ),
        (
            "url = \"http://127.0.0.1/\"\nheaders = { \"A b\" = \"1\" }",
            "header \"A b\" has no valid name",
        ),
        (
            "url = \"http://127.0.0.1/\"\nheader_env = { A = \"KEY\" }",
            "header_env.A: KEY is not set in the environment",
        ),
        (
            "url = \"http://127.0.0.1/\"\nheader_file = { A = \"key\" }",
            "key: there are no files here",
        ),
        (
            "url = \"http://127.0.0.1/\"\nread = \"PUT\"",
            "unknown variant `PUT`, expected `GET` or `POST`",
        ),
        (
            "url = \"http://h/x?key=s3cret\"",
            "url \"http://h/x\": is not on this computer; to reach it, add allow = [\"h\"]",
        ),
        (
            "url = \"http://u:p@127.0.0.1/\"",
            "url \"\": has a user; put credentials into header_file",
        ),
    ] {
        let error = Http::tool(&settings(table)).err().expect(table);
        assert_eq!(error, BadSettings::new(wanted));
    }
    let tool = tool("http://127.0.0.1:1/", "");
    for args in ["[1]", "\"a\"", "{\"a\": [1]}", "{\"a\": {}}"] {
        let outcome = tool.read(&call(1000, 64), &json(args));
        assert_eq!(failure(outcome).0, FailureCode::InvalidArgument, "{args}");
    }
    let huge = Value::text(&"&".repeat(5000));
    let args = Value::Record(avm_ir::value::Record::from_iter([("a", huge)]));
    assert_eq!(failure(tool.read(&call(1000, 64), &args)).0, FailureCode::InvalidArgument);
}
