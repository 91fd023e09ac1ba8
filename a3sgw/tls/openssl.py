"""What Python's ssl module has no words for, said to the OpenSSL it is linked with.

A context of the ssl module begins, behind its object header, with a pointer to its `SSL_CTX` (Modules/_ssl.h; so in
every CPython 3). It is only used after OpenSSL and the ssl module have said the same of it.
"""

from __future__ import annotations

import ctypes
import ssl
from functools import lru_cache

_SET_TICKET_KEYS, _SET_CACHE_MODE, _SET_GROUPS = 59, 44, 92  # SSL_CTRL_… of openssl/ssl.h
TICKET_KEY_BYTES = 80
"""A name, and keys for encryption and authentication."""


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL | None:
    """The one that `_ssl` has loaded; None where it cannot be reached that way."""
    try:
        import _ssl

        library = ctypes.CDLL(getattr(_ssl, "__file__", None))
        library.SSL_CTX_get_options.restype = ctypes.c_uint64
        library.SSL_CTX_get_options.argtypes = [ctypes.c_void_p]
        library.SSL_CTX_ctrl.restype = ctypes.c_long
        library.SSL_CTX_ctrl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_char_p]
        library.SSL_CTX_set_cert_verify_callback.restype = None
        library.SSL_CTX_set_cert_verify_callback.argtypes = [ctypes.c_void_p] * 3
    except (ImportError, OSError, AttributeError):
        return None
    return library


def _pointer(context: ssl.SSLContext) -> int:
    """The `SSL_CTX` of a context; 0 when it is not certain."""
    library = _library()
    if library is None:
        return 0
    found = ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value or 0
    if not found or library.SSL_CTX_get_options(found) & 0xFFFFFFFF != int(context.options) & 0xFFFFFFFF:
        return 0
    return found


def _control(context: ssl.SSLContext, command: int, number: int, argument: bytes | None) -> bool:
    pointer, library = _pointer(context), _library()
    return bool(pointer and library is not None and library.SSL_CTX_ctrl(pointer, command, number, argument) > 0)


def set_groups(context: ssl.SSLContext, *lists: str) -> bool:
    """Use only these key exchange groups: the first list (``X25519:P-256``) that OpenSSL knows all of."""
    return any(_control(context, _SET_GROUPS, 0, names.encode()) for names in lists)


def set_ticket_key(context: ssl.SSLContext, key: bytes) -> bool:
    """Encrypt session tickets with this key of `TICKET_KEY_BYTES`, so that other contexts understand them."""
    return _control(context, _SET_TICKET_KEYS, TICKET_KEY_BYTES, key)


def keep_no_sessions(context: ssl.SSLContext) -> None:
    """Keep none in memory, which would be 20,480 for each context; tickets are kept by clients."""
    pointer, library = _pointer(context), _library()
    if pointer and library is not None:
        library.SSL_CTX_ctrl(pointer, _SET_CACHE_MODE, 0, None)


def accept_any_certificate(context: ssl.SSLContext) -> bool:
    """Ask clients for a certificate and believe any, or none; False when that cannot be said.

    What OpenSSL calls instead of verifying has to return 1 and may not be Python, so it is a function of OpenSSL
    itself: `X509_STORE_CTX_set_default` sets again, by name, the parameters that are set already.
    """
    pointer, library = _pointer(context), _library()
    if not pointer or library is None:
        return False
    function = ctypes.cast(library.X509_STORE_CTX_set_default, ctypes.c_void_p)
    library.SSL_CTX_set_cert_verify_callback(pointer, function, ctypes.cast(_DEFAULT, ctypes.c_void_p))
    return True


_DEFAULT = ctypes.c_char_p(b"default")
"""Lives as long as any context that points to it."""
