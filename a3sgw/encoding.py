"""Structs and their JSON and MessagePack: the only importer of msgspec."""

from __future__ import annotations

from msgspec import UNSET, DecodeError, Struct, UnsetType, json, msgpack

__all__ = ["UNSET", "DecodeError", "Struct", "UnsetType", "json", "msgpack"]
