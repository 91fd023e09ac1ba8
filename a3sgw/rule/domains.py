"""The hosts a rule names, for certificates."""

from __future__ import annotations

from a3sgw.rule.ast import Match, Node, Not


def domains(node: Node) -> list[str]:
    """Hosts of ``Host`` and ``HostSNI``, lower case, without trailing dot, in order and once each.

    Wildcards are included (``*.example.com``), the catch-all ``*`` and negated hosts are not.
    """
    return list(dict.fromkeys(_hosts(node)))


def _hosts(node: Node) -> list[str]:
    if isinstance(node, Match):
        host = node.values[0].lower().removesuffix(".") if node.name in {"Host", "HostSNI"} else "*"
        return [] if host == "*" else [host]
    if isinstance(node, Not):
        return []
    return [host for child in node.children for host in _hosts(child)]
