"""A stencil is made only of a tree in which every literal is found, once, and as it was written."""

import pytest

from a3sgw.config.nodes import Assignment, Block, Body, ListNode, Literal, Node
from a3sgw.config.stencil import Cut, stencil_of


def body(value: Node) -> Body:
    """``x = value``."""
    return Body((Assignment("x", (1, 1, 1, 2), value),), ())


A, B = Literal((1, 6, 1, 9), "a"), Literal((1, 11, 1, 14), "b")
CUTS = (Cut(1, 6, 9, "a"), Cut(1, 11, 14, "b"))
LIST = body(ListNode((1, 5, 1, 15), (A, B)))


def test_filling() -> None:
    """Values go where the literals were; columns behind them on the same line move, others and lines stay."""
    stencil = stencil_of(LIST, CUTS)
    assert stencil is not None
    assert stencil.fill(["a", "b"], [3, 3]) == LIST
    filled = stencil.fill(["", "long"], [2, 6])
    items = (Literal((1, 6, 1, 8), ""), Literal((1, 10, 1, 16), "long"))
    assert filled == body(ListNode((1, 5, 1, 17), items))


def test_what_cannot_differ_is_shared() -> None:
    """Parts without a literal are the same objects in every tree."""
    constant = Assignment("y", (2, 1, 2, 2), Literal((2, 5, 2, 6), 1))
    stencil = stencil_of(Body((*body(A).assignments, constant), ()), CUTS[:1])
    assert stencil is not None
    assert stencil.fill(["b"], [3]).assignments[1] is constant


@pytest.mark.parametrize(
    ("tree", "cuts"),
    [
        (body(A), CUTS),
        (body(ListNode((1, 5, 1, 15), (A, A, B))), CUTS),
        (body(Literal((1, 6, 1, 9), "c")), CUTS[:1]),
        (body(Literal((1, 6, 1, 9), True)), [Cut(1, 6, 9, 1)]),
        (body(Literal((1, 6, 1, 9), "1")), [Cut(1, 6, 9, 1)]),
        (body(ListNode((1, 5, 1, 8), (A,))), CUTS[:1]),
        (Body((), (Block("t", ("a", "c"), (1, 1, 1, 14), Body((), ())),)), CUTS),
        (Body((), (Block("t", ("a", "b", "c"), (1, 1, 1, 14), Body((), ())),)), CUTS),
    ],
    ids=["missing", "twice", "other value", "truth", "other type", "span ends inside", "other label", "bare label"],
)
def test_doubt(tree: Body, cuts: list[Cut]) -> None:
    """A tree that is not what its literals let expect gives no stencil."""
    assert stencil_of(tree, cuts) is None
