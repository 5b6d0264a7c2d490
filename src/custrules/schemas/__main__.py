"""``python -m custrules.schemas``: writes the schemas that ship, after the classes that they are drawn from have changed."""

from pathlib import Path

from custrules import schemas
from custrules.messages import LANGUAGES

of: schemas.Of
for of in schemas.SCHEMAS:
    for lang in LANGUAGES:
        path: Path = Path(__file__).with_name(schemas.file_name(of, lang))
        path.write_text(schemas.text_of(schemas.schema(of, lang)), "utf-8")
