"""``python -m benchmarks.middlewares``: a table of what each kind adds, and ten of them together; half a minute."""

from __future__ import annotations

import gc
import hmac
import json
from base64 import urlsafe_b64encode
from time import time

from a3sgw.loop import run
from benchmarks.middlewares.lane import Lane

KEY = "k" * 32


def _token() -> str:
    """A JWT signed with the key, good for an hour (RFC 7515 §3.3)."""
    claims = {"sub": "anna", "exp": int(time()) + 3600, "scope": "read write"}
    parts = [urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in ({"alg": "HS256"}, claims)]
    signature = hmac.digest(KEY.encode(), b".".join(parts), "sha256")
    return b".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=")]).decode()


REQUEST = (
    b"GET /app/page?x=1 HTTP/1.1\r\nHost: www.example.com\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\nReferer: https://www.example.com/\r\n"
    b"Origin: https://www.example.com\r\nAuthorization: Basic YW5uYTpnZWhlaW0=\r\n"
    b"Cookie: session=0123456789abcdef; token=" + _token().encode() + b"\r\nX-API-Key: " + KEY.encode() + b"\r\n"
    b"Sec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\nPriority: u=4\r\n\r\n"
)
TEN = {
    "ip-allow": 'allowed_ips = ["127.0.0.0/8", "10.0.0.0/8", "192.168.0.0/16"]',
    "ip-deny": 'denied_ips = ["192.0.2.0/24", "198.51.100.0/24"]',
    "cors": 'allowed_origins = ["https://www.example.com"]',
    "body-limit": 'max_body_bytes = "10MB"',
    "headers": 'request_headers = { "X-Team" = "a" }\n  response_headers = { "X-A" = "b", "Server" = "" }',
    "strip-prefix": 'prefixes = ["/app"]',
    "add-prefix": 'prefix = "/v1"',
    "redirect-scheme": 'scheme = "http"',
    "errors": 'pages = [{ status = ["500-599"], body = "sorry" }]',
    "circuit-breaker": "",
}
"""Ten that look at a request and are done with it."""
OTHERS = {
    "api-key": f'keys = ["{KEY}"]',
    "jwt": f'value = "{KEY}"\n  cookie = "token"\n  header = ""',
    "basic-auth": 'users = ["anna:{SHA}kGByAB793z4R5tK1eC9Hd/4Dhzk="]',
    "rate-limit": "rate = 1e9\n  burst = 1000000000",
    "in-flight": "amount = 1000",
    "replace-path": 'path = "/one"',
    "strip-prefix-regex": 'regex = ["^/a[a-z]+"]',
    "replace-path-regex": 'regex = "^/app/(.*)"\n  replacement = "/$1"',
    "rewrite": 'target = "/v2{path}"',
    "redirect-regex": 'regex = "^https://(.*)"\n  replacement = "http://$1"',
    "compress": "",
    "retry": "",
}
"""Those that look for who it is, count in memory that all workers share, use regular expressions, or change bodies."""
MIXED = {kind: text for kind, text in TEN.items() if kind not in ("add-prefix", "redirect-scheme")} | {
    kind: OTHERS[kind] for kind in ("api-key", "rate-limit")
}
ROUNDS = 80
"""Everything is measured in turn, so a busy moment of the machine spoils one round of each; the best one counts."""


async def main() -> None:
    """The table, as Markdown."""
    lanes = {
        "": Lane({}),
        **{kind: Lane({kind: options}) for kind, options in {**TEN, **OTHERS}.items()},
        "ten": Lane(TEN),
        "mixed": Lane(MIXED),
        "turn": Lane({}, waits=True),
        "waiting": Lane({"waits": ""}, waits=True),
        "declared": Lane({}, declared={**TEN, **OTHERS}),
    }
    gc.freeze()
    for _ in range(ROUNDS):
        for lane in lanes.values():
            await lane.round(REQUEST)
    best = {name: lane.best for name, lane in lanes.items()}
    bare = best[""]
    print(f"| middlewares | µs/request | added |\n|---|---:|---:|\n| none | {bare:.1f} | |")
    for kind in (*TEN, *OTHERS):
        if kind == next(iter(OTHERS)):
            one_by_one = sum(best[one] - bare for one in TEN)
            together = f"{best['ten']:.1f} | **{best['ten'] - bare:.1f}** (one by one {one_by_one:.1f})"
            print(f"| **these ten together** | {together} |")
            mixed = best["mixed"]
            print(f"| with `api-key` and `rate-limit` for two of them | {mixed:.1f} | {mixed - bare:.1f} |")
        print(f"| `{kind}` | {best[kind]:.1f} | {best[kind] - bare:.1f} |")
    print(f"| one that waits for a turn of the loop | {best['waiting']:.1f} | {best['waiting'] - best['turn']:.1f} |")
    print(f"| none of twenty that are declared | {best['declared']:.1f} | {best['declared'] - bare:.1f} |")


if __name__ == "__main__":
    run(main())
