"""``python -m benchmarks``: compare the installed products, print a table, keep it if asked."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import tcp, udp
from benchmarks.backend import start_backend
from benchmarks.certificate import write_certificate
from benchmarks.load import LoadError
from benchmarks.measure import echoes, measure, under_load
from benchmarks.process import StartError, allow_many_files, cores, free_port
from benchmarks.products import PRODUCTS
from benchmarks.products.base import Product, Setup
from benchmarks.profiles import PROFILES, Profile
from benchmarks.record import page, save
from benchmarks.sample import Sample

PRODUCT_CPUS, LOAD_CPUS = cores()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; 0 if every product could be measured."""
    options = _options(arguments)
    allow_many_files()
    products = [name for name in options.products if PRODUCTS[name].installed()]
    for name in sorted(set(options.products) - set(products)):
        _say(f"{name}: not installed, left out")
    versions = {name: PRODUCTS[name].version() for name in products}
    settings = {"rounds": options.rounds, "seconds per round": options.seconds, "connections": 64}
    rounds: dict[str, dict[str, list[Sample]]] = {}
    with tempfile.TemporaryDirectory(prefix="a3sgw-benchmark-") as temporary, ExitStack() as running:
        directory = Path(temporary)
        directory.chmod(0o755)
        backend, port = start_backend(directory / "backend", LOAD_CPUS)
        running.callback(backend.stop)
        for name in options.profiles:
            _say(f"{name}: {PROFILES[name].about}")
            rounds[name] = compare(PROFILES[name], products, options.rounds, options.seconds, directory / name, port)
    print(page(rounds, versions, settings))
    if options.record:
        for file in save(rounds, versions, settings):
            _say(f"written: benchmarks/results/{file.name}")
    return 0 if all(samples for results in rounds.values() for samples in results.values()) else 1


def compare(
    profile: Profile, names: Sequence[str], rounds: int, seconds: float, directory: Path, backend: int
) -> dict[str, list[Sample]]:
    """Start every product that can serve `profile`, then measure them in turn, `rounds` times."""
    results: dict[str, list[Sample]] = {}
    # Two processes that take turns on one core pay for the turns; workers are there to use more of them.
    cpus = PRODUCT_CPUS | LOAD_CPUS if profile.kind == "workers" else PRODUCT_CPUS
    with ExitStack() as running:
        if profile.kind in ("tcp", "udp"):
            echo, backend = (udp if profile.kind == "udp" else tcp).start_echo(directory / "echo", LOAD_CPUS)
            running.callback(echo.stop)
        started: dict[str, Product] = {}
        for name, product in _contenders(profile, names, directory, backend).items():
            running.callback(product.stop)
            results[name] = []
            try:
                _say(f"  {name}: started in {product.start(cpus):.1f} s")
                if profile.kind in ("load", "workers"):
                    under_load(product, profile, 1, directory, LOAD_CPUS)  # warm up
                elif profile.kind in ("tcp", "udp"):
                    echoes(product, 1, LOAD_CPUS)
                started[name] = product
            except (StartError, LoadError) as error:
                _say(f"  {name}: {error}")
        if profile.kind == "idle":
            rounds = 1  # a process that has had 10,000 connections once keeps the memory for the next
        for number in range(rounds):
            order = list(started)
            for name in order[number % len(order) :] + order[: number % len(order)] if order else ():
                try:
                    sample = measure(started[name], profile, seconds, directory, LOAD_CPUS)
                except (LoadError, OSError) as error:
                    _say(f"  {name}: {error}")
                    continue
                _say(f"  {number + 1}/{rounds} {name}: {_brief(sample)}")
                results[name].append(sample)
    return results


def _contenders(profile: Profile, names: Sequence[str], directory: Path, backend: int) -> dict[str, Product]:
    """Everything that takes part in `profile`, not started yet, by what the table calls it."""
    found: dict[str, Product] = {}
    directory.mkdir(parents=True, exist_ok=True)
    certificate = write_certificate(directory / "certificate.pem")
    for name in names:
        kind = PRODUCTS[name]
        if (profile.routes and not kind.can_route) or (profile.kind == "workers" and not kind.can_spread):
            continue
        if profile.protocol not in kind.speaks:
            continue
        for label, workers in profile.contenders(name).items():
            setup = Setup(free_port(), backend, profile.routes, workers, profile.protocol, certificate)
            found[label] = kind(directory / f"{name}-{workers}", setup)
    return found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--profiles", nargs="+", choices=PROFILES, default=list(PROFILES), metavar="NAME")
    parser.add_argument("--products", nargs="+", choices=PRODUCTS, default=list(PRODUCTS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5, help="how often each product is measured (5)")
    parser.add_argument("--seconds", type=float, default=4, help="length of one measurement (4)")
    parser.add_argument("--record", action="store_true", help="keep the result in benchmarks/results")
    return parser.parse_args(arguments)


def _brief(sample: Sample) -> str:
    if sample.cpu is not None:
        spread = f", spread ±{sample.uneven:.1%}" if sample.uneven is not None else ""
        return f"{sample.cpu:.1f} µs/request, {sample.per_second:,.0f}/s, {sample.errors} errors{spread}"
    if sample.grown is not None:
        return f"{sample.grown:.0f} MB for {sample.connections:,} connections"
    return f"p99 {sample.quiet_p99:.2f} → {sample.p99:.2f} ms, {sample.errors} errors"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
