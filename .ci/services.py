"""A desk with files on S3, mail over STARTTLS and over TLS, secrets in files, and a number of workers.

    services.py MESA
"""
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

warnings.filterwarnings("ignore", module="aiosmtpd")
MESA = os.path.abspath(sys.argv[1])
PASSWORD = "una-clave-de-prueba"
folder = tempfile.mkdtemp()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, cwd=folder, capture_output=True)


def certificate():
    """A certificate for `localhost`, and the authority that made it."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Mesa test", "-keyout", "ca.key",
            "-out", "ca.pem", "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "csr.pem")
    with open(f"{folder}/leaf.ext", "w") as file:
        file.write("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "leaf.ext", "-out", "cert.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    return context


class Received:
    """Keeps what a mail server received, and how."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):
        secure = session.ssl is not None or isinstance(server.transport.get_extra_info("ssl_object"), ssl.SSLObject)
        self.messages.append((secure, session.authenticated, envelope.rcpt_tos, envelope.content))
        return "250 OK"


def check_login(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"mesa" and data.password == b"una/clave")


class StartTls(Controller):
    def factory(self):
        return SMTP(self.handler, tls_context=context, require_starttls=True, authenticator=check_login, auth_required=True,
                    hostname="localhost")


class Tls(Controller):
    """aiosmtpd does not regard a connection that begins with TLS as one with STARTTLS."""

    def factory(self):
        return SMTP(self.handler, authenticator=check_login, auth_required=True, auth_require_tls=False, hostname="localhost")


class Desk:
    """A server in a folder of its own."""

    def __init__(self, **variables):
        self.folder = tempfile.mkdtemp(dir=folder)
        os.chmod(folder, 0o755)
        os.chmod(self.folder, 0o755)
        self.url = f"http://127.0.0.1:{free_port()}"
        environment = {
            "PATH": os.environ["PATH"], "MESA_DATA_DIR": f"{self.folder}/data", "MESA_LISTEN": self.url[7:],
            "MESA_DEMO_PASSWORD": PASSWORD, "MESA_RATE_LIMIT": "0", **variables,
        }
        self.log = open(f"{self.folder}/log", "wb")
        self.process = subprocess.Popen([MESA], env=environment, stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if "Mesa is ready" in line:
                break
        else:
            sys.exit(open(f"{self.folder}/log").read())

    def call(self, method, path, body=None, headers=None, token=None):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, method=method)
        if isinstance(body, dict):
            request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def sign_in(self, role):
        body = {"email": f"{role}@mesa.test", "password": PASSWORD}
        return json.loads(self.call("POST", "/auth/login", body))["access_token"]

    def stop(self):
        self.process.terminate()
        assert self.process.wait(60) == 0, open(f"{self.folder}/log").read()
        elsewhere = os.path.realpath(f"{self.folder}/data/postgres")
        shutil.rmtree(elsewhere, ignore_errors=True)


def wait_for(what, condition):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    sys.exit(f"not within 30 s: {what}")


def files_on_s3():
    port = free_port()
    moto = subprocess.Popen([f"{os.path.dirname(sys.executable)}/moto_server", "-H", "127.0.0.1", "-p", str(port)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                urllib.request.urlopen(urllib.request.Request(f"{endpoint}/mesa", method="PUT"), timeout=5).read()
                break
            except OSError:
                time.sleep(0.1)
        else:
            sys.exit("moto does not answer")
        desk = Desk(MESA_ATTACHMENTS_URL="s3://mesa/desk", AWS_ENDPOINT=endpoint, AWS_ALLOW_HTTP="true", AWS_REGION="us-east-1",
                    AWS_ACCESS_KEY_ID="mesa", AWS_SECRET_ACCESS_KEY="una-clave")
        token = desk.sign_in("requester")
        ticket = json.loads(desk.call("POST", "/tickets", {"subject": "Impresora", "description": "No imprime."}, token=token))
        # Several parts of a multipart upload.
        content = os.urandom(12 * 1024 * 1024).hex().encode()[:12 * 1024 * 1024]
        border = uuid.uuid4().hex
        body = (f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="registro.txt"\r\n'
                f"Content-Type: text/plain\r\n\r\n").encode() + content + f"\r\n--{border}--\r\n".encode()
        path = f"/tickets/{ticket['id']}/attachments"
        kept = json.loads(desk.call("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={border}"}, token))
        read = desk.call("GET", f"/attachments/{kept['id']}/content", token=token)
        assert read == content, f"{len(read)} of {len(content)} bytes"
        part = desk.call("GET", f"/attachments/{kept['id']}/content", headers={"Range": "bytes=10-19"}, token=token)
        assert part == content[10:20], part
        listed = urllib.request.urlopen(f"{endpoint}/mesa?list-type=2", timeout=5).read().decode()
        assert listed.count("<Key>desk/") == 1, listed
        assert not os.path.exists(f"{desk.folder}/data/attachments") or not os.listdir(f"{desk.folder}/data/attachments")
        desk.stop()
        print("S3: a file of 12 MiB in several parts, read back whole and in part")
    finally:
        moto.terminate()


def mail(kind, url, controller):
    received = controller.handler
    secret = f"{folder}/{kind}.url"
    with open(secret, "w") as file:
        file.write(url + "\n")
    desk = Desk(MESA_SMTP_URL_FILE=secret, MESA_MAIL_FROM="Mesa <mesa@example.gov.co>", SSL_CERT_FILE=f"{folder}/ca.pem")
    token = desk.sign_in("requester")
    desk.call("POST", "/tickets", {"subject": "Impresora", "description": "No imprime."}, token=token)
    wait_for(f"mail by {kind}", lambda: any("requester@mesa.test" in to for _, _, to, _ in received.messages))
    assert all(secure and login for secure, login, _, _ in received.messages), received.messages
    desk.stop()
    print(f"{kind}: {len(received.messages)} messages, encrypted and after a login, with the URL from a file")


def workers():
    for count in (1, 3):
        desk = Desk(MESA_WORKERS=str(count))
        tasks = f"/proc/{desk.process.pid}/task"
        names = [open(f"{tasks}/{task}/comm").read().strip() for task in os.listdir(tasks)]
        assert names.count("actix-rt|system") == count, (count, names)
        desk.stop()
    print("MESA_WORKERS: as many network threads")


context = certificate()
try:
    files_on_s3()
    starttls = StartTls(Received(), hostname="localhost", port=free_port())
    starttls.start()
    mail("STARTTLS", f"smtp://mesa:una%2Fclave@localhost:{starttls.port}?tls=required", starttls)
    starttls.stop()
    tls = Tls(Received(), hostname="localhost", port=free_port(), ssl_context=context)
    tls.start()
    mail("SMTPS", f"smtps://mesa:una%2Fclave@localhost:{tls.port}", tls)
    tls.stop()
    workers()
finally:
    shutil.rmtree(folder, ignore_errors=True)
