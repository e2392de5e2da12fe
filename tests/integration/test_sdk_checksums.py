"""The browser SDK and the server agree on every checksum."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from tests.support import sdk_vectors
from tidemark.domain.snapshot import checksum

DASHBOARD = Path(__file__).parents[2] / "dashboard"
DOCUMENTS = 20_000
SCRIPT = """
import { createInterface } from "node:readline";
const { checksum } = await import(process.argv[1]);
for await (const line of createInterface({ input: process.stdin })) console.log(await checksum(JSON.parse(line)));
"""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDK as it ships: built, in one file."""
    folder = tmp_path_factory.mktemp("sdk")
    vite = DASHBOARD / "node_modules" / "vite" / "bin" / "vite.js"
    command = [
        "node",
        str(vite),
        "build",
        "--config",
        "vite.client.config.ts",
        "--outDir",
        str(folder),
        "--emptyOutDir",
    ]
    subprocess.run(command, cwd=DASHBOARD, check=True, capture_output=True, timeout=120)
    return folder / "tidemark.js"


def test_the_vectors_that_the_sdk_is_tested_with_are_the_servers() -> None:
    assert json.dumps(json.loads(sdk_vectors.PATH.read_text())) == json.dumps(sdk_vectors.vectors())


def test_the_sdk_gives_random_documents_the_checksums_that_the_server_gives_them(sdk: Path) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    documents = [sdk_vectors.document(chance) for _ in range(DOCUMENTS)]
    lines = "".join(json.dumps(document, ensure_ascii=chance.random() < 0.5) + "\n" for document in documents)
    command = ["node", "--input-type=module", "--eval", SCRIPT, sdk.as_uri()]
    answer = subprocess.run(command, input=lines.encode(), capture_output=True, check=True, timeout=300)
    found = answer.stdout.decode().split()
    assert len(found) == DOCUMENTS
    wrong = [document for document, sum_ in zip(documents, found, strict=True) if sum_ != checksum(document)]
    assert not wrong, f"seed {seed}: {len(wrong)} differ, such as {wrong[0]!r}"
    assert len(set(found)) > DOCUMENTS / 2, "the documents are too much alike to prove anything"
