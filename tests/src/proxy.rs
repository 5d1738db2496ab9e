//! A network that fails as a test wants it to: a proxy before a server, whose connections can be refused, cut, delayed and swallowed.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::bounded;

/// How the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Everything gets through.
    Open,
    /// New connections are refused; those that are there go on.
    Refuse,
    /// New connections are taken, and nothing gets through in any of them. One that has lost something never works again.
    Swallow,
    /// Everything comes late by this much, on its way there and on its way back.
    Slow(Duration),
}

/// What makes an answer of the server get lost together with its connection.
enum Trap {
    /// The client says these one after the other on one connection; the next answer is lost whole.
    Said(Vec<String>),
    /// The server says this; half of what it says at once gets through.
    Heard(String),
}

/// The proxy. It ends with its value, and so do its connections.
pub struct Proxy {
    url: String,
    control: Arc<Control>,
    serving: JoinHandle<()>,
}

struct Control {
    way: watch::Sender<Way>,
    cuts: watch::Sender<u64>,
    trap: Mutex<Option<Trap>>,
    sprung: watch::Sender<u64>,
    connections: AtomicU64,
    open: AtomicU64,
    // Connections up to this one are silent.
    silent: AtomicU64,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
        self.cut();
    }
}

impl Proxy {
    /// A proxy before the server of this URL.
    pub async fn before(url: &str) -> Self {
        let (login, rest) = url.split_once('@').expect("a URL with a user");
        let (server, database) = rest.split_once('/').expect("a URL with a database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let control = Arc::new(Control {
            way: watch::Sender::new(Way::Open),
            cuts: watch::Sender::new(0),
            trap: Mutex::new(None),
            sprung: watch::Sender::new(0),
            connections: AtomicU64::new(0),
            open: AtomicU64::new(0),
            silent: AtomicU64::new(0),
        });
        let serving = tokio::spawn(Arc::clone(&control).serve(listener, port, server.to_owned()));
        Self { url: format!("{login}@127.0.0.1:{port}/{database}"), control, serving }
    }

    /// The URL of the server by way of this proxy.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on the network is like this.
    pub fn set(&self, way: Way) {
        self.control.way.send_replace(way);
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        self.control.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Lets nothing get through any more in the connections that are there. New ones are as they should be.
    pub fn silence(&self) {
        self.control.silent.store(self.control.connections.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// How many connections there are.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.control.open.load(Ordering::SeqCst)
    }

    /// Loses one answer with its connection: the one after a client has said all of these, one after the other.
    pub fn lose_answer_after(&self, said: &[&str]) {
        *self.control.trap() = Some(Trap::Said(said.iter().map(|&text| text.to_owned()).collect()));
    }

    /// Loses one answer with its connection, half-way: the one in which the server says this.
    pub fn lose_answer_with(&self, heard: &str) {
        *self.control.trap() = Some(Trap::Heard(heard.to_owned()));
    }

    /// Loses no answer any more that is not on its way already.
    pub fn lose_nothing(&self) {
        *self.control.trap() = None;
    }

    /// How many answers have been lost since the start.
    #[must_use]
    pub fn answers_lost(&self) -> u64 {
        *self.control.sprung.borrow()
    }

    /// Waits until as many answers have been lost since the start.
    pub async fn lost(&self, number: u64) {
        let mut sprung = self.control.sprung.subscribe();
        let _ = bounded("an answer to be lost", sprung.wait_for(|sprung| *sprung >= number)).await;
    }
}

impl Control {
    fn trap(&self) -> MutexGuard<'_, Option<Trap>> {
        self.trap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self: Arc<Self>, listener: TcpListener, port: u16, server: String) {
        let mut way = self.way.subscribe();
        let mut listener = Some(listener);
        loop {
            let refuses = *way.borrow_and_update() == Way::Refuse;
            if refuses {
                listener = None;
            } else if listener.is_none() {
                listener = TcpListener::bind(("127.0.0.1", port)).await.ok();
            }
            let accepting = async {
                match &listener {
                    Some(listener) => listener.accept().await,
                    // Until the way changes; or soon again where the port was not free.
                    None if refuses => std::future::pending().await,
                    None => {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        Err(io::ErrorKind::AddrInUse.into())
                    }
                }
            };
            tokio::select! {
                biased;
                _ = way.changed() => {}
                accepted = accepting => {
                    if let Ok((client, _)) = accepted {
                        tokio::spawn(Arc::clone(&self).carry(client, server.clone()));
                    }
                }
            }
        }
    }

    /// Carries one connection to its end.
    async fn carry(self: Arc<Self>, client: TcpStream, server: String) {
        let number = self.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let mut cuts = self.cuts.subscribe();
        cuts.mark_unchanged();
        let Ok(server) = TcpStream::connect(&server).await else { return };
        // A proxy adds no delay of its own.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        self.open.fetch_add(1, Ordering::SeqCst);
        let link = Mutex::new(Link { number, silent: false, said: 0, armed: false });
        tokio::select! {
            biased;
            _ = cuts.changed() => {}
            () = self.pump(from_client, to_server, &link, Control::said) => {}
            () = self.pump(from_server, to_client, &link, Control::heard) => {}
        }
        self.open.fetch_sub(1, Ordering::SeqCst);
    }

    async fn pump(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        link: &Mutex<Link>,
        look: fn(&Self, &mut Link, &[u8]) -> usize,
    ) {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
            let way = *self.way.borrow();
            let passes = {
                let mut link = link.lock().unwrap_or_else(PoisonError::into_inner);
                link.silent |= way == Way::Swallow || link.number <= self.silent.load(Ordering::SeqCst);
                if link.silent {
                    continue;
                }
                look(self, &mut link, &buffer[..length])
            };
            if let Way::Slow(late) = way {
                tokio::time::sleep(late).await;
            }
            if to.write_all(&buffer[..passes]).await.is_err() || passes < length {
                return;
            }
        }
    }

    /// The client has said something: all of it passes.
    fn said(&self, link: &mut Link, bytes: &[u8]) -> usize {
        let mut trap = self.trap();
        if let Some(Trap::Said(texts)) = &*trap {
            while link.said < texts.len() && has(bytes, &texts[link.said]) {
                link.said += 1;
            }
            if link.said == texts.len() {
                link.armed = true;
                *trap = None;
            }
        }
        bytes.len()
    }

    /// The server has said something: how much of it passes.
    fn heard(&self, link: &mut Link, bytes: &[u8]) -> usize {
        let mut trap = self.trap();
        let passes = match &*trap {
            _ if link.armed => 0,
            Some(Trap::Heard(text)) if has(bytes, text) => {
                *trap = None;
                bytes.len() / 2
            }
            _ => return bytes.len(),
        };
        self.sprung.send_modify(|sprung| *sprung += 1);
        passes
    }
}

/// What is known of one connection.
struct Link {
    number: u64,
    silent: bool,
    /// How many of the texts of the trap were said on it.
    said: usize,
    /// Whether the next answer is lost.
    armed: bool,
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
