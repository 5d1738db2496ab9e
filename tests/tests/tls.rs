//! Encryption and passwords: what each `sslmode` believes, what is said when it does not, and that no password is ever shown.
//!
//! One cluster serves all; where PostgreSQL is not installed these tests are left out, and say so.

use std::fmt::{Debug, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jobs_core::StoreError;
use jobs_runtime::Runtime;
use jobs_runtime::settings::Sources;
use jobs_runtime::store::postgres::{PostgresOptions, PostgresStore};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tests::{Cluster, Database, Ledger, enqueue, stop, until};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const PASSWORD: &str = "s3cret w0rd";

/// Who vouches for servers, and its certificate.
fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), certificate)
}

/// A server named `localhost` that has a certificate and lets `ann` in by her password, encrypted only.
async fn server() -> Option<Cluster> {
    let lines =
        ["ssl = on", "ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'", "password_encryption = 'scram-sha-256'"];
    let cluster = Cluster::new(&lines)?;
    let (authority, trusted) = authority("the trusted one");
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    cluster.write("server.crt", &certificate.pem());
    cluster.write("server.key", &key.serialize_pem());
    let hba = "hostssl all ann 127.0.0.1/32 scram-sha-256\nhost all jobs 127.0.0.1/32 trust\nlocal all jobs trust\n";
    cluster.write("pg_hba.conf", hba);
    std::fs::write(cluster.folder().join("trusted.pem"), trusted).unwrap();
    std::fs::write(cluster.folder().join("others.pem"), self::authority("another one").1).unwrap();
    cluster.start().await;
    let somebody = Database::at(&cluster.url()).somebody().await;
    let role = format!("CREATE ROLE ann LOGIN PASSWORD '{PASSWORD}'; GRANT CREATE ON DATABASE postgres TO ann");
    somebody.batch_execute(&role).await.unwrap();
    Some(cluster)
}

async fn open(url: &str) -> Result<PostgresStore, StoreError> {
    PostgresStore::open(PostgresOptions::new(url)).await
}

fn file(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

#[tokio::test]
async fn each_sslmode_believes_what_it_says_and_refuses_the_rest_in_clear_words() {
    let Some(cluster) = server().await else { return };
    let port = cluster.port();
    let (named, numbered) =
        (format!("postgres://jobs@localhost:{port}/postgres?hostaddr=127.0.0.1&"), format!("{}?", cluster.url()));
    let [trusted, others, missing] = ["trusted.pem", "others.pem", "missing.pem"].map(|name| file(cluster.folder(), name));
    let somebody = Database::at(&cluster.url()).somebody().await;
    for (url, encrypted) in [
        (format!("{numbered}sslmode=disable"), false),
        (numbered.clone(), true),
        (format!("{numbered}sslmode=prefer"), true),
        (format!("{numbered}sslmode=require"), true),
        (format!("{named}sslmode=verify-full&sslrootcert={trusted}"), true),
        (
            format!("postgres://jobs@/postgres?port={port}&host={}", cluster.folder().display().to_string().replace('/', "%2F")),
            false,
        ),
    ] {
        let store = open(&format!("{url}&application_name=seen")).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let ssl = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'seen'";
        let seen: Vec<bool> = somebody.query(ssl, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        assert!(!seen.is_empty() && seen.iter().all(|ssl| *ssl == encrypted), "{url}: {seen:?}");
        jobs_core::store::JobStore::close(&store).await.unwrap();
        until("its connections to end", async || somebody.query(ssl, &[]).await.unwrap().is_empty().then_some(())).await;
    }
    for (url, expected) in [
        (format!("{numbered}sslmode=verify-full&sslrootcert={trusted}"), "certificate not valid for name \"127.0.0.1\""),
        (format!("{named}sslmode=verify-full&sslrootcert={others}"), "invalid peer certificate: UnknownIssuer"),
        (format!("{named}sslmode=verify-full&sslrootcert={missing}"), &*missing),
    ] {
        let error = open(&url).await.expect_err(&url);
        assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
        let error = error.to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("`sslrootcert`") || error.contains("missing.pem"), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_encryption_is_refused_by_those_who_require_it() {
    let Some(cluster) = Cluster::new(&[]) else { return };
    cluster.start().await;
    open(&format!("{}?sslmode=prefer", cluster.url())).await.unwrap();
    let error = open(&format!("{}?sslmode=require", cluster.url())).await.unwrap_err().to_string();
    assert!(error.ends_with("server does not support TLS; check `sslmode` and `sslrootcert` in the URL"), "{error}");
}

/// Keeps all that anybody says.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<String>>);

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0.lock().unwrap_or_else(PoisonError::into_inner), " {field}={value:?}");
    }
}

impl Subscriber for Said {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_password_lets_in_and_is_never_shown() {
    let Some(cluster) = server().await else { return };
    let said = Said::default();
    tracing::subscriber::set_global_default(said.clone()).unwrap();
    let url = |password: &str, rest: &str| {
        format!("postgres://ann:{}@127.0.0.1:{}/postgres?{rest}", password.replace(' ', "%20"), cluster.port())
    };
    let builder = |url: String| {
        Runtime::builder().sources(Sources::none()).without_linked().store(url).register(Ledger::default().job("work"))
    };
    let mut shown = String::new();
    // The login is bound to the encrypted connection.
    let runtime = builder(url(PASSWORD, "channel_binding=require")).start().await.unwrap();
    enqueue(runtime.client(), "work").await;
    until("the job to end", async || Some(runtime.client().counts().await.unwrap()).filter(|counts| counts.completed == 1)).await;
    write!(shown, "{runtime:?} {:?} {:?}", runtime.client(), runtime.client().store().info()).unwrap();
    // What goes wrong later goes through the log.
    cluster.crash().await;
    until("health to say so", async || (!runtime.health().is_well()).then_some(())).await;
    write!(shown, "{:?}", runtime.health()).unwrap();
    cluster.start().await;
    until("all to be well", async || runtime.health().is_well().then_some(())).await;
    stop(runtime).await;

    for (url, expected) in [
        (url("wr0ng s3cret", ""), "password authentication failed for user \"ann\"; check the user and the password in the URL"),
        (url(PASSWORD, "sslmode=disable"), "no pg_hba.conf entry for host"),
        (url(PASSWORD, "sslmod=require"), "did you mean `sslmode`?"),
    ] {
        let options = PostgresOptions::new(url.clone());
        let error = builder(url).start().await.expect_err(expected);
        let opened = PostgresStore::open(options.clone()).await.expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
        write!(shown, "{error} {error:?} {opened} {opened:?} {options:?}").unwrap();
    }
    let said = said.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(said.contains("ann@127.0.0.1"), "nothing was said: {said}");
    for secret in [PASSWORD, "s3cret", "w0rd", "wr0ng"] {
        assert!(!shown.contains(secret), "{shown}");
        assert!(!said.contains(secret), "{said}");
    }
}
