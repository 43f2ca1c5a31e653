"""What `make deploy` asks for: variables of the command, parameters of the template, and questions at a terminal."""

import getpass
import re
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from account import problems_of, region_of, stack_of

REGION_QUESTION = "Region (ap-east-1 Hong Kong, ap-southeast-1 Singapore, cn-north-1 Beijing, cn-northwest-1 Ningxia, …): "


@dataclass(frozen=True)
class Parameter:
    """A parameter of the template, and what it may be."""

    name: str
    rules: Mapping[str, Any]

    @property
    def default(self) -> str | None:
        return None if "Default" not in self.rules else str(self.rules["Default"])

    def problem(self, value: str) -> str | None:
        """What is wrong with a value, without repeating it."""
        allowed = [str(one) for one in self.rules.get("AllowedValues", [])]
        if allowed and value not in allowed:
            return f"{self.name} must be one of: {', '.join(allowed)}"
        if not re.fullmatch(self.rules.get("AllowedPattern", ".*"), value):
            return f"{self.name} is refused: {self.rules.get('ConstraintDescription', self.rules['AllowedPattern'])}"
        if self.rules["Type"] == "Number" and not allowed:
            least, most = int(self.rules["MinValue"]), int(self.rules["MaxValue"])
            # The template's conditions compare texts: "00" is not its "0".
            is_plain = value.isdecimal() and str(int(value)) == value
            if not is_plain or not least <= int(value) <= most:
                return f"{self.name} must be a whole number from {least} to {most}"
        return None


def parameters_of(template: Mapping[str, Any]) -> dict[str, Parameter]:
    return {name: Parameter(name, rules) for name, rules in template["Parameters"].items()}


@dataclass(frozen=True)
class Asked:
    """What the variables say: `make deploy STACK=… REGION=… PARAMETERS="Name=value …" SECRET=ask IMAGE_KEY=new YES=1`."""

    stack: str
    region: str | None
    parameters: list[str]
    wants_new_secret: bool
    wants_new_image_key: bool
    is_agreed: bool

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Asked":
        # `make build` knows the processor under this name.
        given = [f"Arch={variables['ARCH']}"] if variables.get("ARCH") else []
        return cls(
            stack=stack_of(variables),
            region=region_of(variables),
            parameters=[*given, *variables.get("PARAMETERS", "").split()],
            wants_new_secret=variables.get("SECRET") == "ask",
            wants_new_image_key=variables.get("IMAGE_KEY") == "new",
            is_agreed=variables.get("YES") == "1",
        )

    def values(self) -> dict[str, str]:
        pairs = (parameter.partition("=") for parameter in self.parameters)
        return {name: value for name, _, value in pairs}

    def problems(self, known: Mapping[str, Parameter]) -> Iterable[str]:
        yield from problems_of(self.stack, self.region)
        for given in self.parameters:
            name, equals, value = given.partition("=")
            if not equals:
                yield f"PARAMETERS has Name=value with blanks between, but also: {name}"
            elif name not in known:
                yield f"the template has no parameter {name}"
            elif problem := known[name].problem(value):
                yield problem


def ask_for_region() -> str | None:
    """First of all: whether keys are good can only be told in the partition that they belong to."""
    return input(REGION_QUESTION).strip() or None


def ask_for_parameters(known: Mapping[str, Parameter], values: MutableMapping[str, str], wanted: Iterable[str]) -> None:
    """Those that are wanted, then any other that is to be changed. One with a default may be left empty."""
    for name in wanted:
        print(known[name].rules["Description"], flush=True)
        while name not in values:
            value = input(f"{name}: ").strip()
            if not value and known[name].default is not None:
                break
            take(known, values, name, value)
    while line := input("Another parameter, as Name=value (? lists them, Enter goes on): ").strip():
        name, equals, value = line.partition("=")
        if line == "?":
            for parameter in known.values():
                print(f"  {parameter.name}={values.get(parameter.name, parameter.default)}")
                print(f"      {parameter.rules['Description']}")
        elif not equals or name not in known:
            print("that is not Name=value with a name of the list", flush=True)
        else:
            take(known, values, name, value)


def take(known: Mapping[str, Parameter], values: MutableMapping[str, str], name: str, value: str) -> None:
    if problem := known[name].problem(value):
        print(problem, flush=True)
    else:
        values[name] = value


def ask_for_secret() -> str | None:
    secret = getpass.getpass("App secret of the mini-program (not shown; Enter leaves it for later): ").strip()
    return secret or None


def agrees() -> bool:
    return input("Carry out these changes? [y/N]: ").strip().lower() in ("y", "yes")
