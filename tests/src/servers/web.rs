//! Servers that speak HTTP: nginx, HAProxy, Prometheus, and a shop of ours in Python.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::certificates::{self, Certificates};
use super::{Process, free_port, program, wait_until};

/// A server on one port of loopback.
pub struct Web {
    port: u16,
    process: Process,
    certificates: Option<Certificates>,
    dir: TempDir,
}

impl Web {
    /// nginx: `/health` is fine, `/broken` is 500, `/slow` takes a second for its kilobyte.
    ///
    /// # Panics
    /// When it does not listen in time, or the package is missing.
    #[must_use]
    pub fn nginx() -> Self {
        Self::nginx_with(None)
    }

    /// The same over TLS and HTTP/2 only, with a certificate for `names`.
    ///
    /// # Panics
    /// As [`Self::nginx`].
    #[must_use]
    pub fn nginx_tls(names: &[&str]) -> Self {
        Self::nginx_with(Some(names))
    }

    fn nginx_with(names: Option<&[&str]>) -> Self {
        let (dir, port) = directory();
        let certificates = names.map(|names| certificates::write(dir.path(), names));
        let tls = certificates.as_ref().map_or_else(String::new, |files| {
            let (certificate, key) = (files.certificate.display(), files.key.display());
            format!("ssl_certificate {certificate}; ssl_certificate_key {key};")
        });
        let listen = if tls.is_empty() { "" } else { " ssl http2" };
        let mut config = "daemon off; worker_processes 1; pid nginx.pid; error_log stderr;\n".to_owned();
        if rustix::process::geteuid().is_root() {
            // The directory is root's.
            config += "user root;\n";
        }
        config += "events { worker_connections 64; }\nhttp { access_log off; default_type application/json;\n";
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            writeln!(config, "{kind}_temp_path {kind};").expect("writing to a string does not fail");
        }
        std::fs::create_dir(dir.path().join("files")).expect("the directory can be written");
        std::fs::write(dir.path().join("files/slow"), "x".repeat(1_024)).expect("the directory can be written");
        write!(
            config,
            "server {{ listen 127.0.0.1:{port}{listen}; {tls}\n\
             location = /health {{ add_header x-served-by nginx; return 200 '{{\"status\":\"ok\",\"queue\":7}}'; }}\n\
             location = /packed {{ gzip on; gzip_min_length 1; gzip_types text/plain; default_type text/plain;\n\
             return 200 'in maintenance, in maintenance, in maintenance'; }}\n\
             location = /broken {{ return 500 '{{}}'; }}\n\
             location = /slow {{ root files; limit_rate 1k; limit_rate_after 1; }} }} }}\n"
        )
        .expect("writing to a string does not fail");
        let file = write(&dir, "nginx.conf", &config);
        let mut command = Command::new(program("nginx", "nginx-light"));
        command.arg("-p").arg(dir.path()).arg("-e").arg("stderr").arg("-c").arg(file);
        Self::start(dir, port, &mut command, certificates)
    }

    /// HAProxy before a Probity at `address`, whose `/ready` it asks with its default method.
    ///
    /// # Panics
    /// As [`Self::nginx`].
    #[must_use]
    pub fn haproxy_probing(address: &str) -> Self {
        Self::haproxy_before(&format!("option httpchk OPTIONS /ready\n server web {address} check inter 100ms"))
    }

    /// HAProxy before one server.
    ///
    /// # Panics
    /// As [`Self::nginx`].
    #[must_use]
    pub fn haproxy(behind: &Self) -> Self {
        Self::haproxy_before(&format!("server web 127.0.0.1:{}", behind.port))
    }

    fn haproxy_before(backend: &str) -> Self {
        let (dir, port) = directory();
        let config = format!(
            "global\n maxconn 64\ndefaults\n mode http\n retries 1\n timeout connect 1s\n timeout client 5s\n \
             timeout server 5s\nfrontend all\n bind 127.0.0.1:{port}\n http-response set-header x-through haproxy\n \
             default_backend web\nbackend web\n {backend}\n"
        );
        let file = write(&dir, "haproxy.cfg", &config);
        let mut command = Command::new(program("haproxy", "haproxy"));
        Self::start(dir, port, command.arg("-db").arg("-f").arg(file), None)
    }

    /// Prometheus on a port that is free, which scrapes `target` and itself every second.
    ///
    /// # Panics
    /// As [`Self::nginx`].
    #[must_use]
    pub fn prometheus_at(port: u16, target: &str) -> Self {
        let (dir, _) = directory();
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n\
             - {{job_name: target, static_configs: [{{targets: ['{target}']}}]}}\n\
             - {{job_name: self, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n"
        );
        let file = write(&dir, "prometheus.yml", &config);
        let mut command = Command::new(program("prometheus", "prometheus"));
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        Self::start(dir, port, &mut command, None)
    }

    /// A shop with a login, and a registry of domains: see the script.
    ///
    /// # Panics
    /// As [`Self::nginx`].
    #[must_use]
    pub fn shop() -> Self {
        let (dir, port) = directory();
        let file = write(&dir, "shop.py", SHOP);
        let mut command = Command::new(program("python3", "python3"));
        Self::start(dir, port, command.arg(file).arg(port.to_string()), None)
    }

    fn start(dir: TempDir, port: u16, command: &mut Command, certificates: Option<Certificates>) -> Self {
        let log = dir.path().join("log");
        let process = Process::start(command.current_dir(dir.path()), &log);
        wait_until(&log, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { port, process, certificates, dir }
    }

    /// `http://127.0.0.1:PORT` with this path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its port on loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The file of the authority that vouches for it.
    ///
    /// # Panics
    /// When it speaks no TLS.
    #[must_use]
    pub fn ca(&self) -> &Path {
        &self.certificates.as_ref().expect("it was started with TLS").ca
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// What it said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

fn directory() -> (TempDir, u16) {
    (TempDir::new().expect("a temporary directory can be made"), free_port())
}

fn write(dir: &TempDir, name: &str, text: &str) -> PathBuf {
    let file = dir.path().join(name);
    std::fs::write(&file, text).expect("the directory can be written");
    file
}

/// `POST /login`, then orders with the token that it gave; `/domain/NAME` as a registry answers by RDAP. Every other order
/// after `POST /lose` is taken and forgotten.
const SHOP: &str = r#"
import datetime, json, secrets, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN, orders, loses = secrets.token_hex(16), {}, []

def domain(name):
    known = {"good.example": (400, ["active"]), "soon.example": (3, ["active"]), "held.example": (400, ["server hold"])}
    if name not in known:
        return 404, {"errorCode": 404, "title": "Not Found"}
    days, status = known[name]
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days, hours=1)
    events = [{"eventAction": "registration", "eventDate": "2001-02-03T04:05:06Z"},
              {"eventAction": "expiration", "eventDate": until.strftime("%Y-%m-%dT%H:%M:%SZ")}]
    return 200, {"objectClassName": "domain", "ldhName": name, "status": status, "events": events}

class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_it(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = self.path.strip("/").split("/")
        if parts[0] == "domain":
            return domain(parts[1])
        if parts == ["lose"]:
            loses.append(True)
            return 200, {}
        if parts == ["count"]:
            return 200, {"orders": len(orders)}
        if (self.command, parts) == ("POST", ["login"]):
            good = json.loads(body) == {"user": "probe", "password": "swordfish"}
            return (200, {"token": TOKEN}) if good else (401, {"error": "who are you?"})
        if self.headers.get("authorization") != "Bearer " + TOKEN:
            return 403, {"error": "log in first"}
        if (self.command, parts) == ("POST", ["orders"]):
            order = {"id": secrets.token_hex(4), "state": "new", **json.loads(body)}
            if not loses:
                orders[order["id"]] = order
            return 201, {"order": order}
        if parts[0] == "orders" and parts[1] in orders:
            return 200, orders.pop(parts[1]) if self.command == "DELETE" else orders[parts[1]]
        return 404, {"error": "no such order"}

    def do_GET(self):
        status, value = self.handle_it()
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/rdap+json" if "domain" in self.path else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_GET

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
"#;
