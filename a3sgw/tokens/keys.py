"""Keys that check signatures, each with the algorithms it may be used for: the only importer of PyJWT."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

from a3sgw.options import OptionError
from a3sgw.tokens.parse import Token
from a3sgw.tokens.pem import public_keys

_log = logging.getLogger("a3sgw.tokens")
SECRET = ("HS256", "HS384", "HS512")
"""With a secret that both sides know."""
PUBLIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""With a key that everybody may know. A key set is for one of both: never can a public key be taken for a secret."""
MOST_KEYS = 100
"""Of one key set; more are ignored."""
MOST_TRIES = 10
"""How many keys are tried for a token that names none."""

_FAMILY: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "RSA": ("RS256", ("kty", "n", "e")),
    "EC": ("ES256", ("kty", "crv", "x", "y")),
    "OKP": ("EdDSA", ("kty", "crv", "x")),
}
"""By type of key: an algorithm that can read it, and its public members; others are not looked at."""
_Check = Callable[[bytes, bytes], bool]
"""(what is signed, signature) → whether it is."""


class KeySet:
    """Keys by name and algorithm; frozen. `issuer` is who publishes them, where that was said along with them."""

    __slots__ = ("_named", "_unnamed", "content", "issuer")

    def __init__(
        self, keys: Iterable[tuple[str | None, Mapping[str, _Check]]] = (), content: bytes = b"", issuer: str = ""
    ) -> None:
        self.content = content
        """What it was read from, to see whether another one differs."""
        self.issuer = issuer
        named: dict[tuple[str | None, str], tuple[_Check, ...]] = {}
        unnamed: dict[str, tuple[_Check, ...]] = {}
        listed = list(keys)
        for name, checks in listed:
            for algorithm, check in checks.items():
                if name is None:
                    unnamed[algorithm] = (*unnamed.get(algorithm, ()), check)[:MOST_TRIES]
                else:
                    named[name, algorithm] = (*named.get((name, algorithm), ()), check)[:MOST_TRIES]
                named[None, algorithm] = (*named.get((None, algorithm), ()), check)[:MOST_TRIES]
        self._named, self._unnamed = named, unnamed

    def __bool__(self) -> bool:
        return bool(self._named)

    def __repr__(self) -> str:
        names = {name for name, _ in self._named if name is not None}
        return f"<KeySet {sorted(names)} {sorted(self._unnamed)}>"

    def verifies(self, token: Token) -> bool | None:
        """Whether one of the keys that fit signed it; None when none fits. A token that names no key may have any of
        them, and a key without a name may have signed any token. Measured: HS256 3 µs,
        RS256 21 µs, ES256 68 µs, EdDSA 107 µs, ES384 482 µs."""
        checks = self._named.get((token.kid, token.algorithm)) or self._unnamed.get(token.algorithm)
        if checks is None:
            return None
        return any(check(token.signed, token.signature) for check in checks)


# Made of...


def from_secret(secret: str, allowed: Collection[str], option: str = "") -> KeySet:
    """One secret. OptionError, about this option, when it is blank, or a public key in the wrong place."""
    if not secret.strip():
        help = "everybody could sign with it: set one of at least 32 random bytes"
        raise OptionError("the secret is blank", help, option)
    known = catalogue()
    from jwt.exceptions import PyJWTError

    try:
        key = known["HS256"].prepare_key(secret.encode())
    except PyJWTError as error:
        help = "name its file with public_key_file or jwks_file"
        raise OptionError("this is a key in PEM, SSH or JWK form, no secret", help, option) from error
    return KeySet([(None, {name: _check(known[name], key) for name in allowed})])


def from_pem(content: bytes, allowed: Collection[str]) -> KeySet:
    """All keys and certificates of a PEM file; OptionError when one cannot be used for what is `allowed`."""
    catalogue()
    keys = []
    for key in public_keys(content):
        fitting = _fitting(key, allowed)
        if not fitting:
            raise OptionError(f"a key that fits none of {', '.join(allowed)}", 'change "algorithms", or name another')
        keys.append((None, fitting))
    return KeySet(keys, content)


def from_jwks(content: bytes, allowed: Collection[str], issuer: str = "") -> KeySet:
    """The usable keys of a JSON Web Key Set (RFC 7517 §5): others are left out. ValueError when there is none."""
    catalogue()
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise OptionError("this is not JSON", 'a key set looks like {"keys": [{"kty": "RSA", …}]}') from None
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise OptionError("this is no key set", 'a key set looks like {"keys": [{"kty": "RSA", …}]}')
    keys = []
    for one in listed[:MOST_KEYS]:
        checks = _from_jwk(one, allowed) if isinstance(one, dict) else {}
        if checks:
            name = one.get("kid")
            keys.append((name if isinstance(name, str) else None, checks))
    if not keys:
        raise OptionError(f"no key in it can check {', '.join(allowed)}", "see who publishes it, and algorithms")
    return KeySet(keys, content, issuer)


def _from_jwk(key: Mapping[str, Any], allowed: Collection[str]) -> Mapping[str, _Check]:
    """Empty for keys that encrypt, secrets (which a public set must not hold), and whatever is not understood."""
    from jwt.exceptions import PyJWTError

    kind, operations = key.get("kty"), key.get("key_ops")
    if not isinstance(kind, str) or kind not in _FAMILY or key.get("use", "sig") != "sig":
        return {}
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return {}
    reader, members = _FAMILY[kind]
    own = key.get("alg")
    try:
        loaded = catalogue()[reader].from_jwk({name: key[name] for name in members})
    except (PyJWTError, ValueError, TypeError, KeyError) as error:
        _log.info("a key of a key set cannot be read", extra={"why": type(error).__name__})
        return {}
    return _fitting(loaded, [name for name in allowed if own in (None, name)])


# What a key is good for...


def catalogue() -> Mapping[str, Any]:
    """PyJWT's algorithms by name; OptionError when it, or cryptography, is not installed."""
    try:
        from jwt.algorithms import get_default_algorithms
    except ImportError as error:
        raise _missing("PyJWT") from error
    found = get_default_algorithms()
    if "RS256" not in found:
        raise _missing("cryptography")
    return {**found, "Ed25519": found["EdDSA"]}  # RFC 9864 §2.2: the same, but for one curve only


def _missing(package: str) -> OptionError:
    return OptionError(f"{package} is not installed", "pip install 'a3sgw[auth]'")


def _fitting(key: Any, allowed: Iterable[str]) -> Mapping[str, _Check]:
    """By algorithm; which ones is up to the kind of key and its curve. RSA below 2048 bits is good for none."""
    from jwt.exceptions import PyJWTError

    found: dict[str, _Check] = {}
    known = catalogue()
    for name in allowed:
        try:
            prepared = known[name].prepare_key(key)
        except (PyJWTError, ValueError, TypeError):  # three ways to say that it is none of its keys
            continue
        if name == "Ed25519" and known[name].to_jwk(prepared, as_dict=True)["crv"] != name:
            continue
        if known[name].check_key_length(prepared) is None:
            found[name] = _check(known[name], prepared)
    return found


def _check(algorithm: Any, key: Any) -> _Check:
    return partial(_verified, algorithm.verify, key)


def _verified(verify: Callable[[bytes, Any, bytes], bool], key: Any, signed: bytes, signature: bytes) -> bool:
    try:
        return verify(signed, key, signature)
    except ValueError:  # a signature of an impossible shape
        return False
