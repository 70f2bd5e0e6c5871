"""Whose word counts for a server's certificate."""

from __future__ import annotations

import os
import ssl

import certifi

from worker.config.network import Network
from worker.errors import ConfigError


def trusted(network: Network) -> ssl.SSLContext:
    """What certificates are checked against: the authorities of SSL_CERT_FILE and SSL_CERT_DIR, else the usual ones.

    Raises ConfigError if the file or the folder can't be used.
    """
    if network.cert_file is None and network.cert_dir is None:
        context = ssl.create_default_context(cafile=certifi.where())
    else:
        context = _own(network.cert_file, network.cert_dir)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _own(file: str | None, folder: str | None) -> ssl.SSLContext:
    if folder is not None and not any(map(os.path.isdir, folder.split(os.pathsep))):
        raise ConfigError("SSL_CERT_DIR: there is no such folder: name one with certificates, or unset it.")
    try:
        context = ssl.create_default_context(cafile=file, capath=folder)
    except ssl.SSLError:
        raise ConfigError("SSL_CERT_FILE has no certificates: name a file with certificates in PEM format.") from None
    except OSError as error:
        raise ConfigError(f"SSL_CERT_FILE can't be read ({error.strerror}): name a file with certificates.") from None
    # As curl has it: a certificate that is named is trusted, be it an intermediate one or of an older form than Python asks for.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
