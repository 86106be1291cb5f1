"""Weights in terms of the vocabulary: channels, the tokens that heads match and move, and copying."""

from loadstore.arguments import public as _public
from loadstore.scores.channels import channels as _channels
from loadstore.scores.decoding import channel_tokens as _channel_tokens
from loadstore.scores.moved import matched as _matched
from loadstore.scores.moved import moved as _moved
from loadstore.scores.paths import path as _path
from loadstore.scores.paths import positional_qk as _positional_qk
from loadstore.scores.vocabulary import copying as _copying
from loadstore.scores.vocabulary import key_composition as _key_composition

__all__ = ["channel_tokens", "channels", "copying", "key_composition", "matched", "moved", "path", "positional_qk"]

channel_tokens = _public(_channel_tokens, "ls.vocabulary")
channels = _public(_channels, "ls.vocabulary")
copying = _public(_copying, "ls.vocabulary")
key_composition = _public(_key_composition, "ls.vocabulary")
matched = _public(_matched, "ls.vocabulary")
moved = _public(_moved, "ls.vocabulary")
path = _public(_path, "ls.vocabulary")
positional_qk = _public(_positional_qk, "ls.vocabulary")
