"""The local AWS: MiniStack, with shims for what its pinned version gets wrong."""
