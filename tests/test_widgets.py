"""Pictures that move: their arithmetic against the library's, and how they come into notebooks and the book."""

import base64
import io
import json
import random
import re
import shutil
import subprocess
from itertools import pairwise

import matplotlib
import nbformat
import pytest
import torch
from PIL import Image

from lib import widgets
from lib.attention import alignment_accuracy, stable_softmax
from lib.batching import Batch
from lib.cache import cache_bytes
from lib.course import book, build
from lib.course.cells import ROOT
from lib.decoding.sampling import min_p, top_k, top_p
from lib.positions import position_angles, rotate
from lib.training.translator import load_translator
from lib.transformer import cross_attention_weights
from lib.widgets import beams, cache, heads, merges, patches, rotary, sampling, softmax
from lib.widgets.recorded import recorded, shares, thousandths

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="JavaScript is run by node, which is not here")
SCRIPTS = sorted(widgets.HERE.glob("*.js"))
MOST_CODE = 60_000  # bytes of a widget


@pytest.fixture(scope="module")
def shown():
    return {name: widgets.widget(name) for name in widgets.NAMES}


def in_javascript(calls):
    """What functions of arithmetic.js give: (name, arguments) each. -Infinity comes back as a text."""
    program = (
        (widgets.HERE / "arithmetic.js").read_text("utf-8")
        + """
        const calls = JSON.parse(require("fs").readFileSync(0, "utf8"));
        const found = calls.map(([name, values]) => arithmetic[name](...values));
        console.log(JSON.stringify(found, (_, value) => value === -Infinity ? "-inf" : value));"""
    )
    ran = subprocess.run([NODE, "-e", program], input=json.dumps(calls), capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


@needs_node
def test_the_arithmetic_is_the_librarys():
    generator, calls, expected = torch.Generator().manual_seed(0), [], []

    def compare(name, values, wanted):
        calls.append((name, values))
        expected.append(wanted.tolist())

    rows = [3 * torch.randn(n, generator=generator).double() for n in (1, 2, 5, 11, 13)]
    ties = torch.tensor([2.0, 1.0, 1.0, 0.0, 2.0, -1.0]).double()
    for row in (*rows, ties, torch.tensor([1000.0, 999.0, -1000.0]).double()):
        compare("softmax", [row.tolist()], stable_softmax(row))
        for k in (1, 2, 3, 7, 50):
            compare("topK", [row.tolist(), k], top_k(row, k))
        for p in (0.05, 0.3, 0.5, 0.8, 0.95, 1):
            compare("topP", [row.tolist(), p], top_p(row, p))
            compare("minP", [row.tolist(), p], min_p(row, p))
    for position in (0, 1, 7, 300):
        for size, base in ((2, 10000.0), (8, 100.0), (10, 10000.0)):
            angles = position_angles(torch.tensor([position]), size, base).double()
            compare("angles", [position, size, base], angles[0])
            x = torch.randn(2, generator=generator).double()
            compare("turn", [x.tolist(), angles[0, 0].item()], rotate(x[None], angles[:, :1])[0])
    found = in_javascript(calls)
    assert len(found) == len(expected) > 100
    for (name, values), got, wanted in zip(calls, found, expected, strict=True):
        assert list(map(float, got)) == pytest.approx(wanted, rel=1e-5, abs=1e-6), (name, values)


@needs_node
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_is_javascript(script):
    subprocess.run([NODE, "--check", script], check=True)


def test_every_widget_has_its_two_files_and_its_words():
    assert {f"{name}.js" for name in widgets.NAMES} | {"frame.js", "arithmetic.js"} == {path.name for path in SCRIPTS}
    listed = re.findall(r"^    (\w+) {2,}.*notebooks? \d\d", widgets.__doc__, re.MULTILINE)
    assert tuple(listed) == widgets.NAMES
    with pytest.raises(ValueError, match="no widget 'tanh': softmax"):
        widgets.widget("tanh")


@pytest.mark.parametrize("name", widgets.NAMES)
def test_a_page_is_small_whole_and_says_what_to_try(shown, name):
    page = shown[name].page()
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1]
    assert json.loads(data) == json.loads(json.dumps(shown[name].data))
    assert len(page.encode()) - len(data.encode()) < MOST_CODE
    without_names = page.replace("http://www.w3.org/2000/svg", "")  # a name of SVG, never asked for
    assert not re.search(r"https?:|//\w|@import|url\(|\bimport\b|fetch\(|\bsrc=", without_names)
    assert f'content="{widgets.POLICY}"' in page and "default-src 'none'" in widgets.POLICY
    words = shown[name].words
    assert 60 < len(words.TRY) < 260 and words.TRY.endswith(".") and ". " not in words.TRY, "one sentence"
    assert 300 < words.HEIGHT < 700


def test_data_cannot_end_its_script():
    page = widgets.widget("softmax", {"words": ["</script><b>"], "scores": [1.0], "sizes": [1]}).page()
    assert "</script><b>" not in page and page.count("</script>") == 2


@pytest.mark.parametrize("name", widgets.NAMES)
def test_a_notebook_gets_text_a_picture_and_what_moves(shown, name):
    before = dict(matplotlib.rcParams)
    found = shown[name]._repr_mimebundle_()
    assert dict(matplotlib.rcParams) == before, "no global setting is touched"
    assert found.keys() == {"text/plain", "image/png", "text/html"}
    picture = Image.open(io.BytesIO(base64.b64decode(found["image/png"])))
    assert 400 < picture.width < 1200 and picture.height < 600 and picture.convert("RGB").getpixel((0, 0)) == (255,) * 3
    moving = found["text/html"]
    assert re.findall(r"<(\w+)", moving) == ["div", "style", "iframe", "img"], "all else is inside of srcdoc"
    assert 'sandbox="allow-scripts"' in moving and f'title="{shown[name].words.TITLE}' in moving
    assert f"data:image/png;base64,{found['image/png']}" in moving, "for notebooks that are not trusted"


# ------------------------------------------------------------------------------------------- what the numbers are


def test_softmax_says_what_its_sentence_says():
    data = softmax.data()
    largest = {scaled: [max(softmax.weights(data, size, scaled)) for size in data["sizes"]] for scaled in (True, False)}
    assert max(largest[True]) - min(largest[True]) < 1e-9 and largest[False] == sorted(largest[False])
    assert largest[False][-1] > 0.95 and largest[True][0] == pytest.approx(largest[False][0])


def test_sampling_says_what_its_sentence_says():
    def left(temperature, **cut):
        settings = sampling.STARTS | cut | {"temperature": temperature}
        return [i for i, share in enumerate(sampling.left(sampling.data(), **settings)) if share]

    temperatures = (0.5, 1, 1.5, 2, 3)
    assert {len(left(t)) for t in temperatures} == {12}
    assert all(left(t, top_k=5) == [0, 1, 2, 3, 4] for t in temperatures)
    through = [len(left(t, top_p=0.8)) for t in temperatures]
    assert through == sorted(set(through)), "more at every step"


def test_the_score_of_rotary_positions_depends_on_the_distance_alone():
    data = rotary.data()
    scores = {at: float(torch.dot(*rotary.turned(data, *at))) for at in ((5, 3), (40, 38), (3, 5), (6, 3))}
    assert scores[5, 3] == pytest.approx(scores[40, 38], abs=1e-5)
    assert abs(scores[5, 3] - scores[3, 5]) > 0.1 and abs(scores[5, 3] - scores[6, 3]) > 0.1


def test_merges_are_those_of_the_library():
    first, second = map(merges.merged, merges.TEXTS)
    assert [step["new"] for step in first] == [None, "aa", "ab", "aaab"], "notebook 08's table"
    for text, steps in zip(merges.TEXTS, (first, second), strict=True):
        assert len(steps) > 3
        for before, step in pairwise(steps):
            left, right, times = before["pairs"][0]
            assert step["new"] == left + right and times >= 2
            assert sum(map(len, step["words"])) < sum(map(len, before["words"]))
        for step in steps:
            assert " ".join("".join(word) for word in step["words"]) == text
        assert not steps[-1]["pairs"] or steps[-1]["pairs"][0][2] < 2


@needs_node
def test_the_page_learns_the_same_merges():
    dice = random.Random(0)
    drawn = ["".join(dice.choice("aab c") for _ in range(n)) for n in (0, 1, 2, 7, 31, 53)]
    texts = [*merges.TEXTS, *drawn, "aaaaa aaaa", "a  a", "the cat sat on the mat, the fat cat!"]
    assert in_javascript([("merged", [text]) for text in texts]) == [merges.merged(text) for text in texts]


def test_the_cache_counts_as_the_library_does():
    data = cache.data()
    known = [step["known"] for step in data["steps"]["cached"]]
    assert known == [step["known"] for step in data["steps"]["not cached"]] == [3, 4, 5, 6, 7]
    assert sum(step["computed"] for step in data["steps"]["cached"]) == known[-1] == len(data["tokens"]) - 1
    assert [step["computed"] for step in data["steps"]["not cached"]] == known
    for sizes, bytes_each in zip(cache.MODELS.values(), data["bytes"].values(), strict=True):
        assert bytes_each * 7 == cache_bytes(1, 7, *sizes)


def test_weights_are_kept_in_thousandths():
    weights = torch.tensor([[[0.25, 0.75], [0.9996, 0.0004]]])
    assert thousandths(weights) == [["250 750", "1000 0"]] and shares("250 750") == [0.25, 0.75]
    with pytest.raises(ValueError, match=r"weights \(1, 2, 2\) do not fit 2 words that look at 2"):
        heads.looks("x", ["a", "b"], ["c", "d"], weights)


def test_what_is_recorded_is_what_the_translator_does():
    told = next(model for model in recorded("heads") if model["name"] == "translator, about to write Italian")
    model, english, italian = load_translator()
    batch = Batch.of([(english.encode(told["reads"]), italian.encode(told["writes"][:-1]))])
    weights = cross_attention_weights(model, batch)[:, 0]
    kept = torch.tensor([[[shares(row) for row in head] for head in block] for block in told["weights"]])
    assert kept.shape == weights.shape and torch.allclose(kept, weights, atol=2e-3)


def test_the_sentence_of_heads_is_true_of_what_is_recorded():
    writes, reads = recorded("heads")[:2]
    links = [(writes["reads"].index(read), writes["writes"].index(word))
             for read, word in (("teacher", "maestro"), ("curious", "curioso"), ("Pietro", "Pietro"))]  # fmt: skip
    assert links[0][0] > links[1][0] and links[0][1] < links[1][1], "the order changes"
    weights = torch.tensor([[[shares(row) for row in head] for head in block] for block in writes["weights"]])
    assert (alignment_accuracy(weights[1], links) == 1).all()
    inside = torch.tensor([[[shares(row) for row in head] for head in block] for block in reads["weights"]])
    assert len({tuple(row) for row in inside.argmax(-1).flatten(0, 1).tolist()}) == 8, "no two heads look alike"
    for model in recorded("heads"):
        for row in (row for block in model["weights"] for head in block for row in head):
            assert len(shares(row)) == len(model["reads"]) and sum(shares(row)) == pytest.approx(1, abs=0.006)


def test_most_heads_of_minilm_look_from_it_at_marks_and_one_at_the_apple():
    model = next(model for model in recorded("heads") if model["name"] == "MiniLM")
    it, most = model["reads"].index("it"), {}
    for block, of_heads in enumerate(model["weights"], 1):
        for head, rows in enumerate(of_heads, 1):
            weights = shares(rows[it])
            most[block, head] = model["reads"][weights.index(max(weights))]
    assert sum(word in ("[CLS]", "[SEP]", "it") for word in most.values()) > len(most) / 2
    assert [block for (block, _), word in most.items() if word == "apple"] == [6]


def test_the_tree_is_one():
    nodes = beams.data()["nodes"]
    assert nodes[0]["parent"] is None and nodes[0]["chance"] == 1
    for i, node in enumerate(nodes[1:], 1):
        above = nodes[node["parent"]]
        assert node["parent"] < i and node["depth"] == above["depth"] + 1 and above["kept"]
        assert node["chance"] <= above["chance"]
    words, node = [], beams.data()["best"]
    while node:
        words.insert(0, nodes[node]["word"])
        node = nodes[node]["parent"]
    assert " ".join(words) == "Sofia e Giulia avevano una grande anatra . <EOS>", "notebook 10's answer"
    fifth = {node["word"]: node["chance"] for node in nodes if node["depth"] == 5 and node["kept"]}
    assert fifth["un'"] > fifth["una"], "what is behind at one word leads at the next"


def test_patches_say_what_their_sentence_says():
    data, image = patches.data(), patches.digit()
    ink = image[0].unfold(0, 7, 7).unfold(1, 7, 7).mean((-1, -2)).flatten()
    weights = torch.tensor([shares(row) for row in data["maps"][0]["weights"]])
    paper, inked = ink < 0.05, ink.argmax()
    assert weights[paper][:, paper].sum(-1).min() > 0.5 and weights[paper].max() < 0.5
    assert weights[inked, inked] > 0.9
    trained = [torch.tensor([shares(row) for row in of_head["weights"]])[1:, 1:] for of_head in data["maps"][1:]]
    assert len(trained) == 8 and max(head[inked, inked] for head in trained) < 0.6, "as notebook 18 says"
    drawn = torch.tensor([[int(pixel, 16) / 15 for pixel in row] for row in data["image"]])
    assert torch.allclose(drawn, image[0], atol=1 / 30)


# --------------------------------------------------------------------------------------- into notebooks and the book

CELL = 'from lib.widgets import widget\n\nwidget("softmax")'


def test_a_cell_names_its_widget():
    assert widgets.named_in(CELL) == "softmax" and widgets.named_in('widget(\n"softmax")') is None
    assert widgets.named_in("x = 1  # widget") is None
    own = 'widget("heads", {"models": [looks]})'
    assert widgets.named_in(own) == "heads" and widgets.named_in(own, alone=True) is None, "the book has the course's"
    assert widgets.named_in(CELL, alone=True) == "softmax"


def test_a_built_notebook_keeps_the_picture_and_nothing_compares_it(tmp_path, monkeypatch):
    source = tmp_path / "99_x.py"
    source.write_text(f"# %% [markdown]\n# # 99 · X\n\n# %%\n{CELL}\n", encoding="utf-8")
    notebook = build.load(source)
    assert notebook.cells[1].metadata.tags == ["nbval-ignore-output"]

    def as_executed(self):
        bundle = widgets.widget("softmax")._repr_mimebundle_()
        self.nb.cells[1].outputs = [nbformat.v4.new_output("execute_result", bundle, execution_count=1)]

    monkeypatch.setattr("nbclient.NotebookClient.execute", as_executed)
    (output,) = build.execute(notebook, tmp_path).cells[1].outputs
    assert output.data.keys() == {"text/plain", "image/png"}
    notebook.cells[1].source = "1"
    with pytest.raises(ValueError, match="displays text/html: outputs are text and PNG only"):
        build.execute(notebook, tmp_path)


def test_the_book_has_the_page_under_the_picture(tmp_path):
    cell = nbformat.v4.new_code_cell(
        CELL, outputs=[nbformat.v4.new_output("display_data", {"image/png": "iVBORw0KGgo="})]
    )
    cells = [nbformat.v4.new_markdown_cell("# 0 · X\nWhy."), cell, nbformat.v4.new_markdown_cell("See.")]
    stem = next(iter(book.Book(sorted((ROOT / "solutions").glob("00_*.ipynb"))).notebooks))
    path = tmp_path / f"{stem}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    book.write_sources([path], tmp_path / "made" / "source")
    made = nbformat.read(tmp_path / "made" / "source" / path.name, 4)
    place = next(i for i, cell in enumerate(made.cells) if cell.source == CELL)
    under = made.cells[place + 1].source
    assert re.match(r'<div class="moving"><iframe [^>]*title="Softmax[^>]*src="widgets/softmax.html"', under)
    page = tmp_path / "made" / "as_they_are" / "widgets" / "softmax.html"
    assert page.read_text("utf-8") == widgets.widget("softmax").page()
    assert [file.name for file in page.parent.iterdir()] == ["softmax.html"]
