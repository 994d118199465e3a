"""Jinja2 templates, and what they write: text apart from the values that they put into it.

In a YAML template every expression writes a hole and its value is kept beside the text, so no
value can ever be read as YAML. In a configuration text (`*.cfg.j2`, `*.conf.j2`) a value is
written if it is made of harmless characters and refused if not. Refuses clocks, randomness, the
environment and the cluster.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import is_dataclass
from typing import Any, NamedTuple

from jinja2 import (
    BaseLoader,
    Environment,
    StrictUndefined,
    Template,
    TemplateNotFound,
    nodes,
    pass_context,
)
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.utils import missing

from cellwright import model
from cellwright.problem import nearest
from cellwright.secret_expression import SecretExpression, concatenated
from cellwright.secret_filters import (
    SECRET_FILTERS,
    CodeGenerator,
    concatenated_values,
    modulo_values,
    taking_secrets,
)
from cellwright.secret_text import is_made_of
from cellwright.snapshot import SHIPPED
from cellwright.template_values import HARMLESS, HarmfulError, plain

HOLE = "\x1a"
LINE, LINE_END = "\x01", "\x02"
"""Around `file:line` of a template, in front of what that line of it writes."""
RESERVED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef\ufeff\ufffe\uffff]")
"""What no template may hold: control characters (ours are some of them), other line breaks."""

FILTERS = frozenset(
    (
        *SECRET_FILTERS,
        *("abs", "batch", "capitalize", "count", "d", "default", "dictsort", "first"),
        *("float", "format", "groupby", "int", "items", "join", "last", "length", "list", "lower"),
        *("map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "select"),
        *("selectattr", "sha256", "slice", "sort", "string", "sum", "title", "tojson", "trim"),
        *("truncate", "unique", "upper"),
    )
)
FUNCTIONS = {"range": safe_range, "dict": dict}
"""Functions of Jinja2 that templates may use. They are a part of each context, not globals,
which would be copied into every one."""
EVERYWHERE = frozenset(
    ("fleet", "values", "labels", "text", "directory_namespace", *FUNCTIONS),
)
FOR_CELLS = frozenset(("cell", "secret", "valid_secrets", "fleet_secret", "far_router_ports"))
FOR_FLEET = frozenset(("shards", "cells", "history"))
"""The names that templates know: all of them, those for cells, those below `fleet/`."""
_PUBLIC = {
    one: frozenset(name for name in dir(one) if not name.startswith("_"))
    for one in vars(model).values()
    if is_dataclass(one)
}


class Drawn(NamedTuple):
    """What one rendering of a YAML template wrote: text in chunks, and each hole's value."""

    chunks: tuple[str, ...]
    values: tuple[Any, ...]


class Templates:
    """All templates of a workspace, compiled once each when they are first used."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        """Take the templates by their path below `templates/`, with `/` between folders."""
        self.sources = sources
        self._values: list[Any] = []
        self._secrets: list[SecretExpression] = []
        self._yaml = _environment(_Loader(sources), self._hole)
        self._yaml.add_extension(_Lines)
        self._texts = _environment(_Loader(sources), self._harmless)

    def draw(self, name: str, context: dict[str, Any]) -> Drawn:
        """Return what the YAML template `name` writes.

        Raises jinja2.TemplateError and HarmfulError, with the template's line in the traceback,
        and whatever an expression in the template raises.
        """
        self._values.clear()
        template = self._yaml.get_template(name)
        try:
            chunks = tuple(template.root_render_func(template.new_context(context)))
        except Exception:  # noqa: BLE001 - Jinja2's own way to put lines of templates into it
            self._yaml.handle_exception()
        return Drawn(chunks, tuple(self._values))

    def text(self, name: str, context: Mapping[str, Any]) -> str | SecretExpression:
        """Return the configuration text that the template `name` writes; raises as `draw`."""
        outer, self._secrets = self._secrets, []
        try:
            text = "".join(self._texts.get_template(name).generate(context))
            pieces: list[Any] = text.split(HOLE)
            pieces[1::2] = [self._secrets[int(number)] for number in pieces[1::2]]
        finally:
            self._secrets = outer
        return concatenated(*pieces)

    def tree(self, name: str) -> nodes.Template:
        """Return a template's syntax; in one for YAML, text is marked with its lines.

        Raises jinja2.TemplateSyntaxError.
        """
        environment = self._texts if is_text_template(name) else self._yaml
        return environment.loader.tree(environment, name)

    @pass_context
    def _hole(self, _: object, value: Any) -> str:
        if value.__class__ is str and value.isascii():
            self._values.append(value)
        elif value.__class__ is _Written:
            return str(value)
        else:
            self._values.append(plain(value))
        return HOLE

    @pass_context
    def _harmless(self, _: object, value: Any) -> str:
        """Return what a configuration text says of a value; of a secret, its number for now."""
        if value.__class__ is _Written:
            return str(value)
        if isinstance(value, SecretExpression):
            if not is_made_of(value.text, HARMLESS):
                message = "what stands around a secret, or is done with it, may not stand in"
                raise HarmfulError(f"{message} a configuration text")
            self._secrets.append(value)
            return f"{HOLE}{len(self._secrets) - 1}{HOLE}"
        text = str(value)
        if isinstance(value, bool) or value is None or not HARMLESS.match(text):
            raise HarmfulError(f"{value!r} may not stand in a configuration text")
        return text


def is_for_fleet(name: str) -> bool:
    """Return whether a template is rendered for the fleet's own stack, by its name."""
    return name.removeprefix(SHIPPED).startswith("fleet/")


def is_rendered(name: str) -> bool:
    """Return whether a template gives manifests or patches by itself, by its name."""
    return name.endswith(".yaml.j2") and not name.startswith(SHIPPED)


def is_patch(name: str) -> bool:
    """Return whether a template gives patches of manifests, by its name."""
    return "/patches/" in f"/{name}"


def is_text_template(name: str) -> bool:
    """Return whether a template is for a configuration text, by its name."""
    return name.endswith((".cfg.j2", ".conf.j2"))


class _Written(str):
    """What a block of a template has written: `super()` puts it into the text as it is."""

    __slots__ = ()


class _Missing(StrictUndefined):
    """What is not there; whatever is done with it raises an error that says what is near."""

    @property
    def _undefined_message(self) -> str:
        value, name = self._undefined_obj, str(self._undefined_name)
        if self._undefined_hint:
            return self._undefined_hint
        if value is missing:
            return f"there is no {name!r}"
        noun = f"this {type(value).__name__}"
        known: Iterable[str] = _PUBLIC.get(value.__class__, ())
        if isinstance(value, Mapping):
            noun, known = "this mapping", [key for key in value if isinstance(key, str)]
        return f"{noun} has no {name!r}" + (f" ({nearest(name, known)})" if known else "")


class _Loader(BaseLoader):
    """Gives an environment its templates, each of which is parsed once."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._trees: dict[str, nodes.Template] = {}

    def tree(self, environment: Environment, name: str) -> nodes.Template:
        """Return a template's syntax. Compiling folds constants in it, which changes no meaning."""
        if name not in self._trees:
            self._trees[name] = environment.parse(self._sources[name], name, name)
        return self._trees[name]

    def load(
        self,
        environment: Environment,
        name: str,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - Jinja2's name for it
    ) -> Template:
        """Return a template, ready to be rendered."""
        if name not in self._sources:
            raise TemplateNotFound(name)
        code = environment.compile(self.tree(environment, name), name, name)
        return environment.template_class.from_code(environment, code, globals or {})


class _Environment(ImmutableSandboxedEnvironment):
    loader: _Loader
    code_generator_class = CodeGenerator
    concat = staticmethod(lambda chunks: _Written("".join(chunks)))
    concatenated = staticmethod(concatenated_values)
    intercepted_binops = frozenset(("%",))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return what the sandbox would, at once for the model's own values."""
        if attribute in _PUBLIC.get(obj.__class__, ()):
            return getattr(obj, attribute)
        value = super().getattr(obj, attribute)
        return taking_secrets(obj, attribute, value) if isinstance(obj, str) else value

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Return what the sandbox would; secrets have no attributes for templates."""
        if isinstance(obj, SecretExpression):
            obj.refuse()
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, _: object, __: str, left: Any, right: Any) -> Any:
        """Return what `%` gives, the one operator that is intercepted."""
        return modulo_values(left, right)


def _environment(loader: _Loader, finalize: Any) -> _Environment:
    environment = _Environment(
        loader=loader,
        undefined=_Missing,
        autoescape=False,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.filters["sha256"] = lambda text: hashlib.sha256(text.encode()).hexdigest()
    environment.filters |= SECRET_FILTERS
    environment.tests["string"] = lambda value: isinstance(value, str | SecretExpression)
    for name in set(environment.filters) - FILTERS:
        del environment.filters[name]
    environment.globals.clear()
    return environment


class _Lines(Extension):
    """Marks what each line of a template writes with the template's name and the line."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            if token.type == "data":
                lines = str(token.value).split("\n")
                marked = "\n".join(
                    f"{LINE}{stream.name}:{number}{LINE_END}{line}"
                    for number, line in enumerate(lines, start=token.lineno)
                )
                yield Token(token.lineno, "data", marked)
            else:
                yield token
