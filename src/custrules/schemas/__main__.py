"""``python -m custrules.schemas``: writes the schemas that ship, after the classes that they are drawn from have changed."""

from pathlib import Path

from custrules.schemas import write

if __name__ == "__main__":
    write(Path(__file__).parent)
