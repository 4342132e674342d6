"""Silences and snoozes, in Redis: any process may add, list and end them; the dispatcher does what follows of it."""

import secrets

import msgspec

from loanpulse.dispatch.silence import Covered, Silence, demand
from streams.runtime.keys import NamespaceKeys
from streams.runtime.script import Client

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Silence).decode


async def add_silence(
    redis: Client, namespace: str, covered: Covered, *, reason: str, by: str, end_ms: int, now_ms: int
) -> Silence:
    """Silence some alerts until an instant. Raises SilenceError."""
    silence = demand(Silence(secrets.token_hex(4), covered, reason.strip(), by.strip(), now_ms, end_ms))
    await redis.execute_command("HSET", NamespaceKeys(namespace).silences, silence.id, _encode(silence))
    return silence


async def stored_silences(redis: Client, namespace: str) -> list[Silence]:
    """Those in force, and those that are over but whose end no dispatcher has acted upon yet."""
    stored = await redis.execute_command("HVALS", NamespaceKeys(namespace).silences)
    return [_decode(raw) for raw in stored]


async def silences_in_force(redis: Client, namespace: str, now_ms: int) -> list[Silence]:
    """Those that are not over, the first to end first."""
    stored = await stored_silences(redis, namespace)
    return sorted((it for it in stored if it.end_ms > now_ms), key=lambda silence: silence.end_ms)


async def end_silence(redis: Client, namespace: str, silence_id: str, now_ms: int) -> Silence | None:
    """Let a silence be over now; None if there is none of that id in force."""
    key = NamespaceKeys(namespace).silences
    stored = await redis.execute_command("HGET", key, silence_id)
    if stored is None or (silence := _decode(stored)).end_ms <= now_ms:
        return None
    ended = msgspec.structs.replace(silence, end_ms=now_ms)
    await redis.execute_command("HSET", key, silence_id, _encode(ended))
    return ended


async def forget_silence(redis: Client, namespace: str, silence_id: str) -> None:
    """Only a dispatcher may, after it has told what waited for the silence's end."""
    await redis.execute_command("HDEL", NamespaceKeys(namespace).silences, silence_id)
