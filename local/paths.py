"""Where things lie in a clone. What is made locally is in `.local/`, `.venv/` and `.aws-sam/`, which git ignores."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCAL = ROOT / ".local"
MINISTACK_VENV = LOCAL / "venv-ministack"
EMULATOR = LOCAL / "emulator"
BUILD = ROOT / ".aws-sam" / "build"
OUTPUTS = LOCAL / "outputs.json"
SAM_ENVIRONMENT = LOCAL / "sam-env.json"
