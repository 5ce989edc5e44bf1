"""Text and tokens of a language model: the embedded one's, or those of a local folder."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer

from ...model.decoding.automaton import Pattern
from ...model.decoding.words import WordTokens
from ...model.default.load import default_tokenizer
from ...model.errors import OptionError
from ...model.training.distill import DEFAULT

TOKENIZER_FILE = "tokenizer.json"


@dataclass(frozen=True)
class TextTokens:
    """A tokenizer whose words carry the space before them."""

    tokenizer: Tokenizer

    @classmethod
    def of(cls, language_model: Path) -> "TextTokens":
        """Return that of a language model's folder, or of the embedded model. Raises OptionError."""
        if language_model == DEFAULT:
            return cls(default_tokenizer())
        file = language_model / TOKENIZER_FILE
        if not file.is_file():
            raise OptionError(f"{file}: no such file, expected the tokenizer of the language model")
        try:
            content = file.read_text(encoding="utf-8")
            found = json.loads(content)
        except (OSError, ValueError) as error:
            raise OptionError(f"{file}: cannot be read as JSON ({error}), expected a tokenizer") from error
        if not (isinstance(found, dict) and isinstance(found.get("model"), dict)):
            raise OptionError(f"{file}: has no model, expected a tokenizer as the library tokenizers writes it")
        return cls(Tokenizer.from_str(content))

    @cached_property
    def words(self) -> WordTokens:
        """Tokens by what they do to a word."""
        spelled = (self.tokenizer.id_to_token(number) for number in range(self.tokenizer.get_vocab_size()))
        return WordTokens.of([token or "" for token in spelled])

    def patterns(self, form: str) -> list[Pattern]:
        """Return the tokens of a form behind a space, and where they differ those without one, as a text begins."""
        return list(dict.fromkeys((self.encode(f" {form}"), self.encode(form))))

    def encode(self, text: str) -> Pattern:
        """Return the tokens of a text alone."""
        return tuple(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, tokens: Pattern) -> str:
        """Return the text."""
        return self.tokenizer.decode(list(tokens)).strip()
