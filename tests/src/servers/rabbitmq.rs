//! A RabbitMQ node with one virtual host, one user and one queue.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::certificates::{self, Certificates};
use super::{Process, free_port, program, wait_ready};

/// The user that checks log in as.
pub const USER: &str = "probe";

/// Its password.
pub const PASSWORD: &str = "swordfish-of-rabbit";

/// The virtual host of the queue `jobs`.
pub const VHOST: &str = "shop";

/// A node takes its time, on a busy machine a lot of it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running node, with a port mapper of its own.
pub struct RabbitMq {
    dir: TempDir,
    port: u16,
    distribution_port: u16,
    mapper_port: u16,
    tls: Option<Certificates>,
    process: Process,
    _mapper: Process,
}

impl RabbitMq {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not listen in time, or the package is missing.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// Starts one that speaks TLS only, with a certificate for `names` of an authority of its own, to clients that show a
    /// certificate.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_tls(names: &[&str]) -> Self {
        Self::start_with(Some(names))
    }

    fn start_with(names: Option<&[&str]>) -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        let tls = names.map(|names| certificates::write(dir.path(), names));
        let (port, distribution_port, mapper_port) = (free_port(), free_port(), free_port());
        write_files(dir.path(), port, tls.as_ref());
        let mut mapper = Command::new(program("epmd", "erlang-base"));
        mapper.args(["-port", &mapper_port.to_string(), "-address", "127.0.0.1"]);
        let mapper = Process::start(&mut mapper, &dir.path().join("epmd.log"));
        let process = spawn(dir.path(), distribution_port, mapper_port);
        let rabbit = Self { dir, port, distribution_port, mapper_port, tls, process, _mapper: mapper };
        rabbit.wait();
        rabbit
    }

    /// What `[connections]` says of it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://{USER}:{PASSWORD}@127.0.0.1:{}/{VHOST}", self.port)
    }

    /// The same over TLS, to a name or address.
    #[must_use]
    pub fn tls_url(&self, host: &str) -> String {
        format!("amqps://{USER}:{PASSWORD}@{host}:{}/{VHOST}", self.port)
    }

    /// Its certificates.
    ///
    /// # Panics
    /// When it speaks no TLS.
    #[must_use]
    pub const fn certificates(&self) -> &Certificates {
        self.tls.as_ref().expect("it was started with TLS")
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again in the same place.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn restart(&mut self) {
        self.process = spawn(self.dir.path(), self.distribution_port, self.mapper_port);
        self.wait();
    }

    fn wait(&self) {
        let listens = || TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        wait_ready(&self.dir.path().join("log"), PATIENCE, listens);
    }
}

fn write_files(dir: &Path, port: u16, tls: Option<&Certificates>) {
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).expect("the directory can be written");
    let definitions = dir.join("definitions.json");
    write("enabled_plugins", "");
    let listens = tls.map_or_else(
        || format!("listeners.tcp.1 = 127.0.0.1:{port}\n"),
        |files| {
            let [certificate, key, ca] = [&files.certificate, &files.key, &files.ca].map(|path| path.display());
            format!(
                "listeners.tcp = none\nlisteners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {ca}\n\
                 ssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\nssl_options.verify = verify_peer\n\
                 ssl_options.fail_if_no_peer_cert = true\n"
            )
        },
    );
    write("rabbitmq.conf", &format!("{listens}load_definitions = {}\n", definitions.display()));
    write(
        "definitions.json",
        &serde_json::json!({
            "users": [{"name": USER, "password": PASSWORD, "tags": ""}],
            "vhosts": [{"name": "/"}, {"name": VHOST}],
            "permissions": [{"user": USER, "vhost": VHOST, "configure": "", "write": ".*", "read": ".*"}],
            "queues": [{"name": "jobs", "vhost": VHOST, "durable": true, "auto_delete": false, "arguments": {}}],
        })
        .to_string(),
    );
}

/// Not through the wrapper in the path, which changes the user.
fn spawn(dir: &Path, distribution_port: u16, mapper_port: u16) -> Process {
    let mut command = Command::new(program("bin/rabbitmq-server", "rabbitmq-server"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .env("ERL_EPMD_PORT", mapper_port.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODENAME", "probity@localhost")
        .env("RABBITMQ_DIST_PORT", distribution_port.to_string())
        .env("RABBITMQ_MNESIA_BASE", dir.join("mnesia"))
        .env("RABBITMQ_LOG_BASE", dir.join("logs"))
        .env("RABBITMQ_CONFIG_FILE", dir.join("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", dir.join("enabled_plugins"))
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}");
    Process::start(&mut command, &dir.join("log"))
}
