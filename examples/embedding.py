"""A gateway inside a program of your own: python examples/embedding.py PORT APP"""

import asyncio
import sys

from a3sgw import Gateway, load_config


def config(port: str, app: str, rule: str) -> str:
    """A configuration may come from anywhere; here it is made."""
    return f"""
    shutdown_timeout_secs = 5
    entrypoints "web" {{ address = "127.0.0.1:{port}" }}
    access_log {{ enabled = false }}
    routers "app" {{
      rule    = "{rule}"
      service = "app"
    }}
    services "app" {{
      load_balancer {{ servers = [{{ url = "http://127.0.0.1:{app}" }}] }}
    }}
    """


async def main(port: str, app: str) -> None:
    """Start, reload while it serves, and stop."""
    gateway = Gateway(load_config(config(port, app, "Path(`/old`)")))
    await gateway.start()
    print("listening", gateway.addresses["web"][0], gateway.health()["status"], flush=True)
    taken = await gateway.reload(load_config(config(port, app, "Path(`/new`)")))
    print("reloaded", taken, list(gateway.config().routers), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await gateway.shutdown()
    print("stopped", gateway.state(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
