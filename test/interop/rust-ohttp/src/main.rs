// Judges sealed requests with the crates ohttp and bhttp: reads one question a line as JSON, and answers each with one.
use std::cell::RefCell;
use std::io::{self, BufRead, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::executor::block_on;
use futures::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use ohttp::hpke::{Aead, Kdf, Kem};
use ohttp::{ClientRequest, ClientResponse, KeyConfig, Server, SymmetricSuite};
use serde_json::{json, Value};

type Answer = Result<Value, String>;

/// Bytes that are written, to be looked at while the writer is still in use.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl AsyncWrite for Written {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The client of the last request that was sealed.
#[derive(Default)]
struct Judge {
    whole: Option<ClientResponse>,
    /// The crate does not name the type of a client of this form.
    chunked: Option<Box<dyn Fn(&[u8]) -> Answer>>,
}

fn why(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn bytes(question: &Value, name: &str) -> Result<Vec<u8>, String> {
    hex::decode(question[name].as_str().ok_or(format!("no {name}"))?).map_err(why)
}

fn parts(question: &Value, name: &str) -> Result<Vec<Vec<u8>>, String> {
    let list = question[name].as_array().ok_or(format!("no {name}"))?;
    list.iter().map(|part| hex::decode(part.as_str().unwrap_or("-")).map_err(why)).collect()
}

/// Opens a request, and seals the parts of a reply to it.
fn open(question: &Value) -> Answer {
    let suites = vec![SymmetricSuite::new(Kdf::HkdfSha256, Aead::Aes128Gcm)];
    let config = KeyConfig::derive(7, Kem::X25519Sha256, suites, &bytes(question, "ikm")?).map_err(why)?;
    let server = Server::new(config).map_err(why)?;
    let request = bytes(question, "request")?;
    let reply = parts(question, "reply")?;
    if question["form"] == "whole" {
        let (message, sealing) = server.decapsulate(&request).map_err(why)?;
        let sealed = sealing.encapsulate(&reply.concat()).map_err(why)?;
        return Ok(json!({ "message": hex::encode(message), "reply": hex::encode(sealed) }));
    }
    let mut opening = server.decapsulate_stream(&request[..]);
    let mut message = Vec::new();
    block_on(opening.read_to_end(&mut message)).map_err(why)?;
    let sealed = Written::default();
    let mut sealing = opening.response(sealed.clone()).map_err(why)?;
    for part in &reply {
        block_on(sealing.write_all(part)).map_err(why)?;
    }
    block_on(sealing.close()).map_err(why)?;
    let sealed = hex::encode(&*sealed.0.borrow());
    Ok(json!({ "message": hex::encode(message), "reply": sealed }))
}

fn seal(judge: &mut Judge, question: &Value) -> Answer {
    let client = ClientRequest::from_encoded_config_list(&bytes(question, "keys")?).map_err(why)?;
    let message = parts(question, "message")?;
    if question["form"] == "whole" {
        let (request, opening) = client.encapsulate(&message.concat()).map_err(why)?;
        judge.whole = Some(opening);
        return Ok(json!({ "request": hex::encode(request) }));
    }
    let request = Written::default();
    let mut sealing = client.encapsulate_stream(request.clone()).map_err(why)?;
    for part in &message {
        block_on(sealing.write_all(part)).map_err(why)?;
    }
    block_on(sealing.close()).map_err(why)?;
    judge.chunked = Some(Box::new(move |sealed| {
        let mut opening = sealing.response(sealed).map_err(why)?;
        let mut message = Vec::new();
        block_on(opening.read_to_end(&mut message)).map_err(why)?;
        Ok(json!({ "message": hex::encode(message) }))
    }));
    let request = hex::encode(&*request.0.borrow());
    Ok(json!({ "request": request }))
}

/// Opens a reply to the request that was sealed last. One in chunks may be opened again, as a test changes it.
fn reply(judge: &mut Judge, question: &Value) -> Answer {
    let sealed = bytes(question, "reply")?;
    if question["form"] == "whole" {
        let opening = judge.whole.take().ok_or("nothing was sealed")?;
        return Ok(json!({ "message": hex::encode(opening.decapsulate(&sealed).map_err(why)?) }));
    }
    judge.chunked.as_ref().ok_or("nothing was sealed")?(&sealed)
}

/// Reads binary HTTP, and writes it again in both framings.
fn read(question: &Value) -> Answer {
    let message = bhttp::Message::read_bhttp(&mut io::Cursor::new(bytes(question, "message")?)).map_err(why)?;
    let text = |value: Option<&[u8]>| value.map(|value| String::from_utf8_lossy(value).into_owned());
    let written = |mode| {
        let mut bytes = Vec::new();
        message.write_bhttp(mode, &mut bytes).map(|()| hex::encode(bytes)).map_err(why)
    };
    let control = message.control();
    let fields: Vec<_> = message.header().fields().iter().map(|field| (text(Some(field.name())), text(Some(field.value())))).collect();
    Ok(json!({
        "method": text(control.method()), "authority": text(control.authority()), "path": text(control.path()),
        "status": control.status().map(|status| status.code()), "fields": fields, "content": hex::encode(message.content()),
        "known": written(bhttp::Mode::KnownLength)?, "indeterminate": written(bhttp::Mode::IndeterminateLength)?,
    }))
}

fn main() {
    let mut judge = Judge::default();
    for line in io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let answer = match question["do"].as_str() {
            Some("open") => open(&question),
            Some("seal") => seal(&mut judge, &question),
            Some("reply") => reply(&mut judge, &question),
            Some("read") => read(&question),
            _ => Err("no such question".into()),
        };
        println!("{}", answer.unwrap_or_else(|error| json!({ "error": error })));
        io::stdout().flush().unwrap();
    }
}
