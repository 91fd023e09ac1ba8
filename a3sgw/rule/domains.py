"""The hosts a rule names, for certificates."""

from __future__ import annotations

from a3sgw.rule.ast import And, Match, Node, Not


def domains(node: Node) -> list[str]:
    """Hosts of ``Host`` and ``HostSNI``, lower case, without trailing dot, in order and once each.

    Wildcards are included (``*.example.com``), the catch-all ``*`` and negated hosts are not.
    """
    return list(dict.fromkeys(_hosts(node)))


def always_named(node: Node) -> bool:
    """Whether a rule that holds has always asked for one of these hosts."""
    if isinstance(node, Match):
        return bool(_hosts(node))
    if isinstance(node, Not):
        return False
    return (any if isinstance(node, And) else all)(map(always_named, node.children))


def _hosts(node: Node) -> list[str]:
    if isinstance(node, Match):
        host = node.values[0].lower().removesuffix(".") if node.name in {"Host", "HostSNI"} else "*"
        return [] if host == "*" else [host]
    if isinstance(node, Not):
        return []
    return [host for child in node.children for host in _hosts(child)]
