"""Arithmetic written down as MathML, the part of it that SBML needs."""

from dataclasses import dataclass
from xml.sax.saxutils import escape

_MATH = "http://www.w3.org/1998/Math/MathML"
_TIME = '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/time">time</csymbol>'


@dataclass(frozen=True, slots=True)
class Expr:
    """An expression as MathML; operators make larger ones."""

    text: str

    def math(self) -> str:
        """The expression as a whole `math` element."""
        return f'<math xmlns="{_MATH}">{self.text}</math>'

    def __add__(self, other: "Expr") -> "Expr":
        return _apply("plus", self, other)

    def __sub__(self, other: "Expr") -> "Expr":
        return _apply("minus", self, other)

    def __mul__(self, other: "Expr") -> "Expr":
        return _apply("times", self, other)

    def __truediv__(self, other: "Expr") -> "Expr":
        return _apply("divide", self, other)

    def __pow__(self, other: "Expr") -> "Expr":
        return _apply("power", self, other)


def number(value: float) -> Expr:
    """A number, to its last digit."""
    mantissa, _, exponent = f"{value:.16e}".partition("e")
    return Expr(f'<cn type="e-notation">{mantissa}<sep/>{int(exponent)}</cn>')


def name(called: str) -> Expr:
    """A variable; `time` is the simulator's."""
    return Expr(_TIME if called == "time" else f"<ci>{escape(called)}</ci>")


def above_zero(value: Expr) -> Expr:
    """The value where it is above 0, else 0; without a condition."""
    return (value + _apply("abs", value)) * number(0.5)


def below(one: Expr, other: Expr) -> Expr:
    """One is less than the other."""
    return _apply("lt", one, other)


def at_least(one: Expr, other: Expr) -> Expr:
    """One is not less than the other."""
    return _apply("geq", one, other)


def all_of(*conditions: Expr) -> Expr:
    """Every condition holds."""
    return _apply("and", *conditions)


def _apply(operator: str, *parts: Expr) -> Expr:
    return Expr(f"<apply><{operator}/>{''.join(part.text for part in parts)}</apply>")
