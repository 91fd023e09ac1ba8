"""Structs and their JSON and MessagePack: the only importer of msgspec."""

from __future__ import annotations

from msgspec import UNSET, DecodeError, Meta, Struct, UnsetType, json, msgpack

__all__ = ["UNSET", "DecodeError", "Meta", "Struct", "UnsetType", "json", "msgpack"]
