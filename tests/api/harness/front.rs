//! nginx in front of two copies of the server, as in production. Used if `MESA_TEST_COPIES` is set, or `MESA_TEST_PREVIOUS` to the
//! program of the previous version, which is then the second copy.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// An nginx that distributes requests among the copies.
pub struct Front {
    pub url: String,
    nginx: Child,
    _folder: TempDir,
}

pub fn is_wanted() -> bool {
    std::env::var_os("MESA_TEST_COPIES").is_some() || previous().is_some()
}

/// The program of the previous version.
pub fn previous() -> Option<OsString> {
    std::env::var_os("MESA_TEST_PREVIOUS")
}

impl Front {
    /// Starts nginx in front of the copies at these URLs.
    pub fn before(copies: &[&str]) -> Self {
        let mut servers = String::new();
        for copy in copies {
            // A copy that refused a connection is tried again with the next one.
            write!(servers, "server {} max_fails=0; ", copy.trim_start_matches("http://")).unwrap();
        }
        Self::start(|port| {
            format!(
                "upstream desk {{ {servers} keepalive 16; }}
                 server {{
                    listen 127.0.0.1:{port};
                    client_max_body_size 0;
                    location / {{
                        proxy_pass http://desk;
                        proxy_http_version 1.1;
                        proxy_set_header Connection \"\";
                        proxy_set_header Host $http_host;
                        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                    }}
                 }}"
            )
        })
    }

    /// Starts nginx with the configuration of docs/deployment, without TLS and on other addresses.
    pub fn documented(copies: &[&str]) -> Self {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deployment/nginx.conf");
        let text = fs::read_to_string(file).unwrap();
        // The first server redirects to TLS.
        let (upstream, servers) = text.split_once("\nserver {").unwrap();
        let (_, server) = servers.split_once("\nserver {").unwrap();
        let mut upstream = upstream.to_owned();
        for (number, copy) in copies.iter().enumerate() {
            let documented = format!("server 10.0.0.1{}:8080 ", number + 1);
            assert!(upstream.contains(&documented), "{documented}");
            upstream =
                upstream.replace(&documented, &format!("server {} ", copy.trim_start_matches("http://")));
        }
        let plain = |line: &&str| !line.contains("ssl") && !line.trim_start().starts_with("listen ");
        let server: Vec<&str> = server.lines().filter(plain).collect();
        let server = server.join("\n");
        Self::start(|port| format!("{upstream}\nserver {{\nlisten 127.0.0.1:{port};\n{server}"))
    }

    /// Starts nginx with what the directive `http` has for this port.
    fn start(http: impl FnOnce(u16) -> String) -> Self {
        let folder = TempDir::new().unwrap();
        let at = folder.path().to_str().unwrap();
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let scratch = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {at}/{kind};"))
            .join(" ");
        let text = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/errors;
             events {{ worker_connections 512; }}
             http {{
                access_log off; {scratch}
                {}
             }}",
            http(port)
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, text).unwrap();
        let nginx =
            Command::new("nginx").arg("-c").arg(&file).args(["-e", &format!("{at}/errors")]).spawn().unwrap();
        let front = Front { url: format!("http://127.0.0.1:{port}"), nginx, _folder: folder };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return front;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("nginx does not accept connections");
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.nginx.kill();
        let _ = self.nginx.wait();
    }
}
