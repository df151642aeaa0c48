"""An FTP server that begins TLS when asked to (AUTH TLS): `ftp_server.py PORT CERTIFICATE KEY`. Serves nobody until it
is killed."""

import sys

from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import FTPServer

port, certificate, key = sys.argv[1:]
TLS_FTPHandler.certfile = certificate
TLS_FTPHandler.keyfile = key
FTPServer(("127.0.0.1", int(port)), TLS_FTPHandler).serve_forever()
