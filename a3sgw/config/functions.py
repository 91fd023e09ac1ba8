"""The pure functions of the configuration language; every argument has been measured before it arrives here."""

from __future__ import annotations

import base64
import binascii
import hashlib
import inspect
import json
import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from a3sgw.config.limits import LARGEST_GROUP, LONGEST_TEXT, ValueProblem
from a3sgw.config.nodes import Value
from a3sgw.config.operators import boolean, equal, kind, number, text, whole

Function = Callable[..., Value]
_FORMAT = re.compile(
    r"%(?:(?P<percent>%)|(?P<flags>[-+0 ]*)(?P<width>\d{0,3})(?:\.(?P<digits>\d{1,3}))?(?P<verb>[a-zA-Z]))"
)


def call(name: str, function: Function, arguments: list[Value]) -> Value:
    """The result of a function; raises ValueProblem for a wrong number of arguments or a value it cannot use."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        raise ValueProblem(f"{len(arguments)} is the wrong number of arguments", _usage(name, function)) from None
    return function(*arguments)


def _usage(name: str, function: Function) -> str:
    signature = inspect.signature(function).parameters.values()
    shown = (f"{one.name}…" if one.kind is one.VAR_POSITIONAL else one.name for one in signature)
    return f"write {name}({', '.join(shown)})"


# What an argument must be


def _list(value: Value) -> list[Value]:
    if isinstance(value, list):
        return value
    raise ValueProblem(f"a list is needed here, not {kind(value)}")


def _object(value: Value) -> dict[str, Value]:
    if isinstance(value, dict):
        return value
    raise ValueProblem(f"an object is needed here, not {kind(value)}")


def _integer(value: Value) -> int:
    found = whole(number(value))
    if isinstance(found, int) and abs(found) < 2**53:
        return found
    raise ValueProblem("a whole number is needed here")


def _bounded(length: int) -> None:
    if length > LONGEST_TEXT:
        raise ValueProblem(f"this text would be longer than {LONGEST_TEXT} characters")


# Texts


def upper(string: Value) -> Value:
    return text(string).upper()


def lower(string: Value) -> Value:
    return text(string).lower()


def title(string: Value) -> Value:
    return re.sub(r"\b[^\W\d_]", lambda match: match.group().upper(), text(string))


def trim(string: Value, characters: Value) -> Value:
    return text(string).strip(text(characters))


def trimprefix(string: Value, prefix: Value) -> Value:
    return text(string).removeprefix(text(prefix))


def trimsuffix(string: Value, suffix: Value) -> Value:
    return text(string).removesuffix(text(suffix))


def trimspace(string: Value) -> Value:
    return text(string).strip()


def split(separator: Value, string: Value) -> Value:
    cut = text(separator)
    if text(string).count(cut) > LARGEST_GROUP:
        raise ValueProblem(f"this would hold more than {LARGEST_GROUP} values")
    return list(text(string).split(cut)) if cut else list(text(string))


def join(separator: Value, items: Value) -> Value:
    parts = [text(item) for item in _list(items)]
    _bounded(sum(map(len, parts)) + len(text(separator)) * len(parts))
    return text(separator).join(parts)


def replace(string: Value, old: Value, new: Value) -> Value:
    source, target = text(string), text(new)
    _bounded(len(source) + source.count(text(old)) * len(target))
    return source.replace(text(old), target)


def substr(string: Value, offset: Value, length: Value) -> Value:
    source, start, count = text(string), _integer(offset), _integer(length)
    start = max(len(source) + start, 0) if start < 0 else start
    return source[start:] if count < 0 else source[start : start + count]


def startswith(string: Value, prefix: Value) -> Value:
    return text(string).startswith(text(prefix))


def endswith(string: Value, suffix: Value) -> Value:
    return text(string).endswith(text(suffix))


def fill_format(pattern: Value, *values: Value) -> Value:
    source, left = text(pattern), list(values)
    if source.count("%") != sum(match.group().count("%") for match in _FORMAT.finditer(source)):
        raise ValueProblem("unknown placeholder in the format", "use %s %d %f %t %v %q, and %% for a percent sign")

    def fill(match: re.Match[str]) -> str:
        if match["percent"]:
            return "%"
        if not left:
            raise ValueProblem("the format has more placeholders than values")
        return _formatted(match, left.pop(0))

    result = _FORMAT.sub(fill, source)
    if left:
        raise ValueProblem("the format has fewer placeholders than values")
    return result


def _formatted(match: re.Match[str], value: Value) -> str:
    layout, verb, digits = f"%{match['flags']}{match['width']}", match["verb"], match["digits"]
    if verb in ("s", "v"):
        shown = text(value) if not isinstance(value, list | dict | None) else _json(value)
        return f"{layout}{'.' + digits if digits else ''}s" % shown
    if verb == "q":
        return f"{layout}s" % _json(text(value))
    if verb == "t":
        return f"{layout}s" % text(boolean(value))
    if verb == "d":
        return f"{layout}d" % _integer(value)
    if verb in ("f", "e", "g"):
        return f"{layout}{'.' + digits if digits else ''}{verb}" % number(value)
    if verb in ("x", "X", "o"):
        return f"{layout}{verb}" % _integer(value)
    raise ValueProblem(f"unknown placeholder %{verb} in the format", "use %s %d %f %t %v %q")


# Lists and objects


def concat(*lists: Value) -> Value:
    return [item for items in lists for item in _list(items)]


def merge(*objects: Value) -> Value:
    return {key: value for one in objects for key, value in _object(one).items()}


def lookup(object: Value, key: Value, *default: Value) -> Value:
    if len(default) > 1:
        raise ValueProblem("lookup takes at most one default", "write lookup(object, key, default)")
    found = _object(object)
    if text(key) in found:
        return found[text(key)]
    if default:
        return default[0]
    raise ValueProblem(f'the object has no key "{text(key)[:60]}"', "give lookup() a default, or one of its keys")


def length(value: Value) -> Value:
    if isinstance(value, str | list | dict):
        return len(value)
    raise ValueProblem(f"{kind(value)} has no length")


def keys(object: Value) -> Value:
    return [*sorted(_object(object))]


def values(object: Value) -> Value:
    return [value for _, value in sorted(_object(object).items(), key=lambda item: item[0])]


def contains(items: Value, value: Value) -> Value:
    return any(equal(item, value) for item in _list(items))


def flatten(items: Value) -> Value:
    flat: list[Value] = []
    for item in _list(items):
        flat.extend(_list(flatten(item)) if isinstance(item, list) else [item])
    return flat


def distinct(items: Value) -> Value:
    seen: dict[str, Value] = {}
    for item in _list(items):
        seen.setdefault(_json(item), item)
    return list(seen.values())


def sort(items: Value) -> Value:
    return [*sorted(text(item) for item in _list(items))]


def reverse(items: Value) -> Value:
    return _list(items)[::-1]


def element(items: Value, index: Value) -> Value:
    found = _list(items)
    if not found:
        raise ValueProblem("the list is empty")
    return found[_integer(index) % len(found)]


def part(items: Value, start: Value, end: Value) -> Value:
    found, first, last = _list(items), _integer(start), _integer(end)
    if not 0 <= first <= last <= len(found):
        raise ValueProblem(f"the list has {len(found)} values; {first} to {last} is not a part of it")
    return found[first:last]


def numbers_in_range(*bounds: Value) -> Value:
    if not 1 <= len(bounds) <= 3:
        raise ValueProblem(
            "range takes one to three numbers", "write range(end), range(start, end) or range(start, end, step)"
        )
    start, end = (0, number(bounds[0])) if len(bounds) == 1 else (number(bounds[0]), number(bounds[1]))
    step = number(bounds[2]) if len(bounds) == 3 else (1 if end >= start else -1)
    if step == 0 or (end - start) / step > LARGEST_GROUP:
        raise ValueProblem(f"this range is endless or holds more than {LARGEST_GROUP} numbers")
    return [whole(start + step * index) for index in range(max(math.ceil((end - start) / step), 0))]


def coalesce(*candidates: Value) -> Value:
    for candidate in candidates:
        if candidate is not None and candidate != "":
            return candidate
    raise ValueProblem("coalesce found no value", "end it with a default")


# Numbers


def _numbers(given: tuple[Value, ...]) -> list[int | float]:
    if not given:
        raise ValueProblem("at least one number is needed")
    return [number(value) for value in given]


def minimum(*numbers: Value) -> Value:
    return min(_numbers(numbers))


def maximum(*numbers: Value) -> Value:
    return max(_numbers(numbers))


def absolute(value: Value) -> Value:
    return abs(number(value))


def ceil(value: Value) -> Value:
    return math.ceil(number(value))


def floor(value: Value) -> Value:
    return math.floor(number(value))


# Conversions


def tostring(value: Value) -> Value:
    return None if value is None else text(value)


def tonumber(value: Value) -> Value:
    return None if value is None else number(value)


def tobool(value: Value) -> Value:
    return None if value is None else boolean(value)


def _json(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def jsonencode(value: Value) -> Value:
    return _json(value)


def jsondecode(string: Value) -> Value:
    try:
        decoded: Value = json.loads(text(string), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise ValueProblem("this text is not JSON") from None
    return decoded


def base64encode(string: Value) -> Value:
    return base64.b64encode(text(string).encode()).decode()


def base64decode(string: Value) -> Value:
    try:
        return base64.b64decode(text(string), validate=True).decode()
    except (binascii.Error, ValueError):
        raise ValueProblem("this is not the Base64 form of a text") from None


def sha256(string: Value) -> Value:
    return hashlib.sha256(text(string).encode()).hexdigest()


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            *(upper, lower, title, trim, trimprefix, trimsuffix, trimspace, split, join, replace, substr),
            *(startswith, endswith, concat, merge, lookup, length, keys, values, contains, flatten),
            *(distinct, sort, reverse, element, coalesce, ceil, floor, tostring, tonumber, tobool),
            *(jsonencode, jsondecode, base64encode, base64decode, sha256),
        )
    }
    | {"min": minimum, "max": maximum, "abs": absolute}
    | {"format": fill_format, "range": numbers_in_range, "slice": part}
)
"""By the name an operator writes."""
