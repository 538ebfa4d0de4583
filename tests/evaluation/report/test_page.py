"""The page: self-contained, escaped, labelled; a section is there if and only if its material is."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pulse_pipeline.evaluation.challenges import ChallengeRow
from pulse_pipeline.evaluation.report.inputs import DomainFacts
from pulse_pipeline.evaluation.report.page import render, write_report
from tests.evaluation.report.world import HOSTILE, frame, full_ranking, report, row

SECTIONS = (
    "answer",
    "models",
    "costs",
    "ablations",
    "slices",
    "transfer",
    "thoughts",
    "explanations",
    "challenges",
    "samples",
    "training",
    "data",
    "provenance",
)


class Elements(HTMLParser):
    """Collects tags and attributes as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.images: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "img":
            self.images.append(dict(attrs))


def anchors(page: str) -> list[str]:
    return re.findall(r'<section id="([a-z]+)">', page)


def bare() -> dict[str, object]:
    """What leaves nothing but two models on one domain."""
    return {
        "metrics": frame(full_ranking()).drop("seconds").with_columns(seconds=None),
        "differences": [],
        "explanations": None,
        "challenges": [],
        "training": None,
        "thoughts": None,
        "samples": [],
        "provenance": {},
        "domains": [DomainFacts("films", 1, 1, 1), DomainFacts("books", 1, 1, 1)],
    }


@pytest.fixture(scope="module")
def page() -> str:
    return render(report())


def test_page_is_one_file_that_asks_for_nothing(page: str) -> None:
    found = Elements(page)
    assert not {"script", "link", "iframe", "object", "embed"} & set(found.tags)
    sources = [value or "" for name, value in found.attributes if name in {"src", "srcset", "data"}]
    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    links = [value or "" for name, value in found.attributes if name == "href"]
    assert all(link.startswith("#") for link in links)
    assert "@import" not in page
    assert "url(" not in page
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert '<meta name="viewport" content="width=device-width' in page


def test_every_link_leads_somewhere(page: str) -> None:
    found = Elements(page).attributes
    ids = {value for name, value in found if name == "id"}
    assert {(value or "")[1:] for name, value in found if name == "href"} <= ids


def test_every_picture_says_what_it_shows(page: str) -> None:
    images = Elements(page).images
    assert images
    assert all(len(image.get("alt") or "") > 20 for image in images)


def test_hostile_text_stays_text(page: str) -> None:
    found = Elements(page)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") == 8


def test_every_section_is_there_with_its_material(page: str) -> None:
    assert tuple(anchors(page)) == SECTIONS


@pytest.mark.parametrize(
    ("section", "material"),
    [
        ("answer", {"differences": report().differences}),
        ("ablations", {"differences": report().differences[2:]}),
        ("costs", {"metrics": frame(full_ranking())}),
        ("slices", {"metrics": frame([*full_ranking(), row("PULSE", "films", "films", 0.1, slice="a:b")])}),
        ("explanations", {"explanations": report().explanations}),
        ("challenges", {"challenges": report().challenges}),
        ("samples", {"samples": report().samples}),
        ("training", {"training": report().training}),
        ("thoughts", {"thoughts": report().thoughts}),
        ("provenance", {"provenance": {"Code": "abc"}}),
    ],
)
def test_a_section_comes_with_its_material_and_goes_with_it(
    section: str, material: dict[str, object]
) -> None:
    without = anchors(render(report(**bare())))
    assert without == ["models", "transfer", "data"]
    assert section in anchors(render(report(**{**bare(), **material})))


def test_synthetic_and_zero_shot_are_said(page: str) -> None:
    assert "<strong>Synthetic data.</strong> films:" in page
    unnamed = {"challenges", "training", "provenance"}  # they speak of no domain, or of mixes
    for section in page.split('<section id="')[1:]:
        assert 'class="chip synthetic"' in section or section.split('"')[0] in unnamed
    assert page.count('<span class="chip zero">zero-shot</span>') == 2  # table row and sample
    assert "ynthetic</" not in render(report(**bare()))


def test_best_figures_are_bold_and_the_best_baseline_is_marked(page: str) -> None:
    assert "<strong>0.2000</strong>" in page
    assert "<strong>0.0600</strong>" in page
    assert "<strong>0.0500</strong>" not in page
    assert 'text-kNN centred <span class="chip best">best baseline</span>' in page


def test_a_difference_whose_interval_holds_zero_is_not_bold_in_tables(page: str) -> None:
    ablations = page.split('<section id="ablations">')[1].split("</section>", maxsplit=1)[0]
    assert "+0.0123" in ablations
    assert "<strong>+0.0123</strong>" not in ablations
    assert "<strong>\N{MINUS SIGN}0.0200</strong>" in ablations
    assert "\N{MINUS SIGN}0.0010 to +0.0200" in ablations


def test_chance_stands_beside_what_was_measured_among_few(page: str) -> None:
    sampled = page.split('id="sampled"')[1].split("</details>", maxsplit=1)[0]
    chance = sampled.split('class="chance"')[1].split("</tr>")[0]
    assert re.findall(r"0\.\d+", chance) == ["0.050", "0.200"]
    assert "flattering" in sampled
    assert "0.700" in sampled


def test_corrected_p_values_say_so() -> None:
    rows = [one | {"p_value_holm": 0.5, "p_value_vs_best_baseline": 0.25} for one in full_ranking()]
    page = render(report(**{**bare(), "metrics": frame(rows)}))
    assert "p (Holm)" in page
    assert "0.500" in page
    assert "p (Holm)" not in render(report(**bare()))


def test_a_link_that_leads_out_of_the_page_is_not_made() -> None:
    row = ChallengeRow("Cold start", "Evidence", "0.1", "https://evil.example/")
    assert "evil.example" not in render(report(**{**bare(), "challenges": [row]}))


def test_newcomers_are_shown_beside_transfer(page: str) -> None:
    transfer = page.split('<section id="transfer">')[1].split("</section>", maxsplit=1)[0]
    assert "trained on all-but-films+10%" in transfer
    assert "people who come from books" in transfer


def test_charts_in_the_page_are_whole_pictures(page: str) -> None:
    pictures = [base64.b64decode(one).decode() for one in re.findall(r'base64,([^"]+)"', page)]
    assert all(one.startswith("<svg") and one.rstrip().endswith("</svg>") for one in pictures)
    assert any("0.200" in one and ">all but</tspan>" in one for one in pictures)


def test_pictures_change_their_inks_in_the_dark(page: str) -> None:
    dark = re.findall(r'prefers-color-scheme: dark\)" srcset="data:image/svg\+xml;base64,([^"]+)"', page)
    assert dark
    drawn = [base64.b64decode(one).decode() for one in dark]
    assert not any('"#1b1f24"' in one for one in drawn)
    assert any('"#e6e9ed"' in one for one in drawn)


def test_a_sample_says_where_the_next_item_was(page: str) -> None:
    samples = page.split('<section id="samples">')[1].split("</section>", maxsplit=1)[0]
    assert "ranked 3 of 49" in samples
    assert "taken next" in samples


def test_a_long_history_is_folded() -> None:
    [sample] = report().samples
    long = replace(sample, history=[f"title {n}" for n in range(9)])
    assert "3 earlier" in render(report(**{**bare(), "samples": [long]}))


def test_report_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "report" / "index.html"
    write_report(report(**{**bare(), "provenance": {HOSTILE: HOSTILE}}), path)
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [one.name for one in path.parent.iterdir()] == ["index.html"]
