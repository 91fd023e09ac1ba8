"""Reports: the caret stands below its characters, and nothing in a file steers the terminal."""

import io
import json

from a3sgw.cli.report import as_json, as_sarif, as_text, report, table
from a3sgw.diagnostic import Diagnostic, Place

LINE = '\tprotocol = "htp"'
ONE = Diagnostic("error", Place("dir/a b.hcl", 3, 13, 3, 18), 'protocol cannot be "htp"', 'did you mean "http"?')


def line_of(place: Place) -> str:
    return LINE if place.line == 3 else ""


def test_text() -> None:
    """Place, summary, source line, caret and help."""
    assert as_text([ONE], line_of) == (
        'dir/a b.hcl:3:13: error: protocol cannot be "htp"\n'
        '  3 |     protocol = "htp"\n'
        "    |                ^^^^^\n"
        '  help: did you mean "http"?\n'
    )


def test_text_without_a_line() -> None:
    """A finding about a whole file has no caret."""
    assert as_text([Diagnostic("warning", Place("x.hcl"), "odd")], line_of) == "x.hcl: warning: odd\n"
    assert as_text([Diagnostic("note", None, "odd")], line_of) == "note: odd\n"


def test_long_lines_are_cut_around_the_caret() -> None:
    """A minified line does not fill the screen."""
    long = Diagnostic("error", Place("x", 1, 5001, 1, 5002), "here")
    lines = as_text([long], lambda place: "a" * 5000 + "!" + "b" * 5000).splitlines()
    assert max(map(len, lines)) < 250
    assert lines[1][lines[2].index("^")] == "!"


def test_control_characters_are_not_printed() -> None:
    """Escape sequences of a file stay in the file."""
    evil = Diagnostic("error", Place("x", 1, 1, 1, 2), "bad \x1b[31m", "\x07")
    assert not {"\x1b", "\x07"} & set(as_text([evil], lambda place: "\x1b]0;title\x07"))


def test_plain_when_not_a_terminal() -> None:
    """Without a terminal there are no colours, and long lines are not wrapped."""
    stream = io.StringIO()
    report([ONE], line_of, "text", stream)
    assert stream.getvalue() == as_text([ONE], line_of)


def test_json() -> None:
    """Programs get every part by name."""
    document = as_json([ONE], line_of)
    assert document["valid"] is False
    assert document["diagnostics"] == [
        {
            "severity": "error",
            "code": "config",
            "summary": 'protocol cannot be "htp"',
            "help": 'did you mean "http"?',
            "file": "dir/a b.hcl",
            "line": 3,
            "column": 13,
            "end_line": 3,
            "end_column": 18,
            "source": LINE,
        }
    ]
    stream = io.StringIO()
    report([ONE], line_of, "json", stream)
    assert json.loads(stream.getvalue()) == document


def test_sarif() -> None:
    """Code hosts get SARIF 2.1.0 with a location per result."""
    log = as_sarif([ONE, Diagnostic("warning", None, "odd", code="order")])
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["config", "order"]
    first, second = run["results"]
    assert (first["level"], first["ruleId"]) == ("error", "config")
    location = first["locations"][0]["physicalLocation"]
    assert location["artifactLocation"] == {"uri": "dir/a%20b.hcl"}
    assert location["region"] == {"startLine": 3, "startColumn": 13, "endLine": 3, "endColumn": 18}
    assert "locations" not in second
    absolute = as_sarif([Diagnostic("error", Place("/etc/x.hcl"), "odd")])["runs"][0]["results"][0]
    assert absolute["locations"][0]["physicalLocation"] == {"artifactLocation": {"uri": "file:///etc/x.hcl"}}


def test_table() -> None:
    """Columns are aligned under their title, and markup in a cell is text."""
    lines = table("Try", [("a", "one [bold]"), ("longer", "two")]).splitlines()
    first = next(line for line in lines if "one [bold]" in line)
    second = next(line for line in lines if "two" in line)
    assert lines[0].strip() == "Try"
    assert first.index("one") == second.index("two")
