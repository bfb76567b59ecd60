"""A Matplotlib figure as SVG inside a web page: small, in the page's theme and type, with marks that scripts find."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from fhnbench.report.style import THEME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FAMILY = re.compile(r"(?<=font-family: )[^;]+")
_ROW = "row:"
SVG_STYLE: dict[Any, Any] = {"svg.fonttype": "none", "svg.image_inline": True}
"""Settings to draw with: text stays text."""


def inline_svg(figure: Figure, name: str, label: str, tips: Mapping[str, str]) -> str:
    """Return a figure as an ``svg`` element.

    Parameters
    ----------
    figure
        Groups whose id is ``row:CONTENDER`` become marks: they carry ``data-row`` and what `tips` says of them.
    name
        Unique in the page: ids are made from it.
    label
        What the picture shows, for those who don't see it.
    tips
        Text for each contender.
    """
    content = io.StringIO()
    with mpl.rc_context({**SVG_STYLE, "svg.hashsalt": name}):
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None})
    root = ET.fromstring(content.getvalue())
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.attrib.update({"role": "img", "aria-label": label, "class": "picture"})
    used = _references(root)
    for element in root.iter():
        _adapt(element, used, tips)
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    return ET.tostring(root, encoding="unicode")


def _references(root: ET.Element) -> set[str]:
    found = {element.get(f"{{{_XLINK}}}href", "")[1:] for element in root.iter()}
    for element in root.iter():
        for value in element.attrib.values():
            found.update(_REFERENCE.findall(value))
    return found


def _adapt(element: ET.Element, used: set[str], tips: Mapping[str, str]) -> None:
    element.tail = None  # Matplotlib indents
    if element.text and not element.text.strip():
        element.text = None
    identity = element.get("id", "")
    if identity and identity not in used:
        del element.attrib["id"]
    if identity.startswith(_ROW):
        contender = identity.removeprefix(_ROW)
        element.set("data-row", contender)
        if contender in tips:
            element.set("data-tip", tips[contender])
    elif identity == "label":
        element.set("class", "label")
    if style := element.get("style"):
        for colour, value in THEME.items():
            style = style.replace(value, f"var(--{colour})")
        element.set("style", _FAMILY.sub("var(--sans)", style))
